package io.lunkeeper.target.scsi;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/// The ROD tokens of one target. A token ends when it was not used for its inactivity timeout, when
/// it is deleted, when its initiator port makes too many, when its logical unit goes, and with the
/// process. Safe from any thread.
final class RodTokens {
    /// Tokens of one initiator port; the eldest gives way. Each write to a unit looks at those that
    /// stand for blocks of it.
    static final int MAX_OF_PORT = 128;

    static final int MAX_TOKENS = 2048;

    private static final long NANOS = 1_000_000_000L;

    private final String targetName;
    private final LongSupplier nanoTime;

    /// By identifier, the eldest first. Guarded by this, as the next.
    private final Map<Long, RodToken> tokens = new LinkedHashMap<>();

    private long nextIdentifier = new SecureRandom().nextLong();

    /// @param nanoTime a clock like [System#nanoTime]
    RodTokens(String targetName, LongSupplier nanoTime) {
        this.targetName = targetName;
        this.nanoTime = nanoTime;
    }

    /// What comes of a token that is presented.
    sealed interface Redeemed {
        /// To be given back by [RodTokens#release].
        record Valid(RodToken token) implements Redeemed {}

        record Refused(Sense sense) implements Redeemed {}
    }

    /// Makes a token.
    ///
    /// @param content its watch is ended when there is no token after all
    /// @return empty when there are too many
    synchronized Optional<RodToken> create(
            String port, RodToken.Content content, long timeoutSeconds) {
        long now = nanoTime.getAsLong();
        removeIf(token -> token.expired(now));
        long mine = tokens.values().stream().filter(each -> each.port().equals(port)).count();
        if (mine >= MAX_OF_PORT) {
            tokens.values().stream()
                    .filter(each -> each.port().equals(port) && !each.inUse())
                    .findFirst()
                    .ifPresent(eldest -> removeIf(eldest::equals));
        }
        if (tokens.size() >= MAX_TOKENS) {
            content.watch().close();
            return Optional.empty();
        }
        long identifier = nextIdentifier++;
        byte[] bytes = RodToken.bytes(targetName, content, identifier);
        RodToken token = new RodToken(port, content, timeoutSeconds * NANOS, bytes);
        token.used(now, 0);
        tokens.put(identifier, token);
        return Optional.of(token);
    }

    private void removeIf(Predicate<RodToken> which) {
        tokens.values()
                .removeIf(token -> {
                    boolean removed = which.test(token);
                    if (removed) {
                        token.delete();
                    }
                    return removed;
                });
    }

    /// Takes a token that stands for data of this target.
    ///
    /// @param presented the whole token as it came
    /// @param among the logical units that whoever presents it can address
    synchronized Redeemed redeem(byte[] presented, List<LogicalUnit> among) {
        ByteBuffer fields = ByteBuffer.wrap(presented);
        if (fields.getShort(RodToken.LENGTH_BYTE) != RodToken.LENGTH) {
            return new Redeemed.Refused(CopySense.INVALID_TOKEN_LENGTH);
        }
        if (fields.getInt(0) != RodToken.CHANGE_VULNERABLE) {
            return new Redeemed.Refused(CopySense.UNSUPPORTED_TOKEN_TYPE);
        }
        RodToken token = tokens.get(fields.getLong(RodToken.IDENTIFIER_BYTE));
        if (token == null || !token.is(presented) || !among.contains(token.content().source())) {
            return new Redeemed.Refused(CopySense.TOKEN_UNKNOWN);
        }
        long now = nanoTime.getAsLong();
        if (token.expired(now)) {
            removeIf(token::equals);
            return new Redeemed.Refused(CopySense.TOKEN_EXPIRED);
        }
        if (!token.unchanged()) {
            return new Redeemed.Refused(CopySense.TOKEN_REVOKED);
        }
        token.used(now, 1);
        return new Redeemed.Valid(token);
    }

    /// A token that was redeemed is not used any more.
    ///
    /// @param delete whether it is not to be used again by anybody
    synchronized void release(RodToken token, boolean delete) {
        token.used(nanoTime.getAsLong(), -1);
        if (delete) {
            removeIf(token::equals);
        }
    }

    /// A logical unit is there no more.
    synchronized void forget(LogicalUnit unit) {
        removeIf(token -> token.content().source() == unit);
    }
}

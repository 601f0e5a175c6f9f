package io.lunkeeper.target.login;

import io.lunkeeper.target.login.KeyRule.Declaration;
import io.lunkeeper.target.login.TargetDirectory.Listing;
import io.lunkeeper.target.login.TextKey.Phase;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;
import org.jscsi.target.settings.TextKeyword;
import org.jspecify.annotations.Nullable;

/// Text requests of the full-feature phase (RFC 7143 11.10, 11.11): SendTargets and
/// MaxRecvDataSegmentLength, text longer than one PDU in both directions. Confined to the session's
/// thread.
///
/// One exchange is open at a time. It begins with a request that has the reserved Target Transfer
/// Tag, which also drops one that was left unfinished; every reply that does not end it names the
/// tag under which the initiator goes on. What it declares counts from the reply on that ends the
/// exchange; of one that is dropped or rejected nothing does (RFC 7143 6.4 Operational Parameter
/// Negotiation outside the Login Phase, 7.12 Negotiation Failures).
public final class TextNegotiation {
    /// Text in one reply, whatever the initiator would take: what a list of thousands of targets
    /// makes us hold for one who asks for it.
    private static final int MAX_PIECE_BYTES = 256 << 10;

    private final TargetDirectory directory;
    private final SessionParameters parameters;
    private final TextGathering gathering = new TextGathering(TextKeys.MAX_TEXT_BYTES);
    private final KeysSeen seen = new KeysSeen();
    private int maxDataSegmentBytes;

    /// What the exchange that is open declares that to be.
    private int declaredSegmentBytes;

    private final StringBuilder unsent = new StringBuilder();
    private Iterator<Listing> unlisted = Collections.emptyIterator();
    private int tag = RequestPdu.RESERVED_TAG;
    private int lastTag;

    /// The Initiator Task Tag of the exchange.
    private int initiatorTaskTag;

    /// @param maxDataSegmentBytes the initiator's MaxRecvDataSegmentLength: longest text in a reply
    public TextNegotiation(
            TargetDirectory directory, SessionParameters parameters, int maxDataSegmentBytes) {
        this.directory = directory;
        this.parameters = parameters;
        this.maxDataSegmentBytes = maxDataSegmentBytes;
        declaredSegmentBytes = maxDataSegmentBytes;
    }

    /// The initiator's MaxRecvDataSegmentLength, in bytes, as the last exchange that was complete
    /// declared it. RFC 7143 13.12 MaxRecvDataSegmentLength lets it change at any time.
    public int maxDataSegmentBytes() {
        return maxDataSegmentBytes;
    }

    /// Answers one Text Request.
    ///
    /// @throws MalformedPduException when the request breaks the exchange (wrong tag, text too
    ///   long, not key=value); the exchange is reset and the connection goes on
    public TextReply receive(TextRequest request) throws MalformedPduException {
        if (request.targetTransferTag() == RequestPdu.RESERVED_TAG) {
            reset();
        } else if (request.targetTransferTag() != tag) {
            throw broken(request, MalformedPduException.INVALID_PDU_FIELD, "no such text exchange");
        }
        initiatorTaskTag = request.initiatorTaskTag();
        if (request.finalBit() && request.continueBit()) {
            throw broken(
                    request, MalformedPduException.INVALID_PDU_FIELD, "text both ends and goes on");
        }
        boolean unfinished = !unsent.isEmpty() || unlisted.hasNext();
        if (unfinished && request.data().isReadable()) {
            throw protocolError(request, "text while the reply to the last is not finished");
        }
        if (!gathering.append(request.data())) {
            throw protocolError(request, "text is too long");
        }
        if (request.continueBit()) {
            return new TextReply(false, false, openTag(), "");
        }
        if (!unfinished) {
            answer(request);
        }
        return nextPiece(request.finalBit());
    }

    /// Whether an exchange is open under this Initiator Task Tag.
    public boolean isOpen(int task) {
        return tag != RequestPdu.RESERVED_TAG && initiatorTaskTag == task;
    }

    private void reset() {
        gathering.reset();
        seen.clear();
        unsent.setLength(0);
        unlisted = Collections.emptyIterator();
        tag = RequestPdu.RESERVED_TAG;
        declaredSegmentBytes = maxDataSegmentBytes;
    }

    private int openTag() {
        if (tag == RequestPdu.RESERVED_TAG) {
            lastTag++;
            if (lastTag == RequestPdu.RESERVED_TAG) {
                lastTag++;
            }
            tag = lastTag;
        }
        return tag;
    }

    private TextReply nextPiece(boolean mayEnd) {
        int maxBytes = Math.min(maxDataSegmentBytes, MAX_PIECE_BYTES);
        while (unsent.length() <= maxBytes && unlisted.hasNext()) {
            append(unlisted.next());
        }
        int end = pieceEnd(maxBytes);
        String piece = unsent.substring(0, end);
        unsent.delete(0, end);
        if (!unsent.isEmpty() || unlisted.hasNext()) {
            return new TextReply(false, true, openTag(), piece);
        }
        if (!mayEnd) {
            // 11.11.1 F (Final) Bit: only a request that has it can be answered with it.
            return new TextReply(false, false, openTag(), piece);
        }
        maxDataSegmentBytes = declaredSegmentBytes;
        reset();
        return new TextReply(true, false, RequestPdu.RESERVED_TAG, piece);
    }

    /// Where the next PDU's share of the reply ends: before the character that does not fit any
    /// more. Every PDU has room for one, as the least MaxRecvDataSegmentLength is 512.
    private int pieceEnd(int maxBytes) {
        int bytes = 0;
        int index = 0;
        while (index < unsent.length()) {
            int character = unsent.codePointAt(index);
            bytes += utf8Bytes(character);
            if (bytes > maxBytes) {
                return index;
            }
            index += Character.charCount(character);
        }
        return index;
    }

    private static int utf8Bytes(int character) {
        if (character < 0x80) {
            return 1;
        }
        if (character < 0x800) {
            return 2;
        }
        return character < 0x10000 ? 3 : 4;
    }

    private void answer(TextRequest request) throws MalformedPduException {
        List<TextKeys.Pair> pairs = TextKeys.parse(gathering.take());
        if (pairs == null) {
            throw protocolError(request, "text is malformed");
        }
        if (!seen.add(pairs)) {
            throw protocolError(request, "key is repeated");
        }
        if (parameters.discovery() && !seen.has(TextKey.SEND_TARGETS)) {
            // 4.3 iSCSI Session Types, 13.21 SessionType: nothing else is taken in discovery.
            throw protocolError(request, "no SendTargets in a discovery session");
        }
        for (TextKeys.Pair pair : pairs) {
            String answer = answer(pair);
            if (answer == null) {
                throw protocolError(request, "value of " + pair.key() + " is none");
            }
            unsent.append(answer);
        }
    }

    /// @return what goes into the reply for one pair, its NULs included; null when a declaration
    ///   has no sound value
    private @Nullable String answer(TextKeys.Pair pair) {
        TextKey key = TextKey.of(pair.key());
        if (TextKeys.isReply(pair.value())) {
            // We ask nothing; an answer all the same is not to be answered again.
            return "";
        }
        if (key == null) {
            return TextKeys.format(pair.key(), TextKeyword.NOT_UNDERSTOOD);
        }
        if (!key.mayCome(Phase.FULL_FEATURE)) {
            return TextKeys.format(pair.key(), TextKeyword.REJECT);
        }
        if (key == TextKey.SEND_TARGETS) {
            return list(pair.value());
        }
        if (key.rule() instanceof Declaration declaration) {
            OptionalInt length = declaration.range().parse(pair.value());
            if (length.isEmpty()) {
                return null;
            }
            declaredSegmentBytes = length.getAsInt();
        }
        return "";
    }

    /// RFC 7143 Appendix C SendTargets Operation. A discovery session may ask for all targets or
    /// for one by name; any other session only for its own, by name or by naming none. The targets
    /// come after all other answers.
    ///
    /// @return what to answer at once
    private String list(String value) {
        boolean all = value.equals(TextKeyword.ALL);
        if (parameters.discovery() ? value.isEmpty() : all) {
            return TextKeys.format(TextKeyword.SEND_TARGETS, TextKeyword.REJECT);
        }
        String wanted = value.isEmpty() ? parameters.targetName() : IscsiName.normalize(value);
        boolean visible = parameters.discovery() || parameters.targetName().equals(wanted);
        unlisted = all ? listings() : find(visible, wanted);
        return "";
    }

    private Iterator<Listing> listings() {
        return directory.listings(parameters.initiatorName(), parameters.proven());
    }

    private Iterator<Listing> find(boolean visible, @Nullable String targetName) {
        Iterator<Listing> all = listings();
        while (visible && all.hasNext()) {
            Listing each = all.next();
            if (each.targetName().equals(targetName)) {
                return List.of(each).iterator();
            }
        }
        return Collections.emptyIterator();
    }

    private void append(Listing listing) {
        unsent.append(TextKeys.format(TextKeyword.TARGET_NAME, listing.targetName()));
        for (String address : listing.addresses()) {
            unsent.append(TextKeys.format(TextKeyword.TARGET_ADDRESS, address));
        }
    }

    private MalformedPduException protocolError(TextRequest request, String message) {
        return broken(request, MalformedPduException.PROTOCOL_ERROR, message);
    }

    private MalformedPduException broken(TextRequest request, int reason, String message) {
        reset();
        return MalformedPduException.of(request, reason, message);
    }

    /// What one Text Response is to say.
    ///
    /// @param targetTransferTag the reserved tag when `finalBit`
    public record TextReply(
            boolean finalBit, boolean continueBit, int targetTransferTag, String text) {}
}

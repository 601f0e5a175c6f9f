package io.lunkeeper.target.login;

import io.lunkeeper.target.login.KeyRule.Range;
import java.security.MessageDigest;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// The target's side of RFC 7143 12.1.3 Challenge Handshake Authentication Protocol (CHAP) for one
/// login: the initiator names algorithms and is sent a challenge, it answers that and may send a
/// challenge of its own. Each step is taken once, by exactly its own keys, and nothing comes after
/// a step that failed.
///
/// A user that is not known costs the same time, and ends the same way, as a wrong secret.
final class Chap {
    /// 12.1.3: what a challenge or a response has at most.
    static final int MAX_BINARY_BYTES = 1024;

    private static final Range IDENTIFIERS = new Range(0, 255);

    private static final Set<TextKey> ALGORITHM_KEYS = EnumSet.of(TextKey.CHAP_A);
    private static final Set<TextKey> RESPONSE_KEYS = EnumSet.of(TextKey.CHAP_N, TextKey.CHAP_R);
    private static final Set<TextKey> MUTUAL_KEYS =
            EnumSet.of(TextKey.CHAP_N, TextKey.CHAP_R, TextKey.CHAP_I, TextKey.CHAP_C);

    private enum Step {
        ALGORITHM,
        RESPONSE,
        OVER
    }

    private final List<ChapAccount> accounts;
    private final RandomGenerator random;
    private Step step = Step.ALGORITHM;
    private ChapAlgorithm algorithm = ChapAlgorithm.MD5;
    private int identifier;
    private byte[] challenge = {};
    private List<ChapAccount> proven = List.of();
    private boolean answered;
    private String fault = "";

    /// @param accounts those of which one must be proven
    /// @param random not to be foreseen
    Chap(List<ChapAccount> accounts, RandomGenerator random) {
        this.accounts = accounts;
        this.random = random;
    }

    /// Takes the keys of CHAP in one text.
    ///
    /// @param answers where the answers go
    /// @return false when authentication has failed
    boolean receive(Map<TextKey, String> offers, Map<TextKey, String> answers) {
        Step now = step;
        step = Step.OVER;
        return switch (now) {
            case ALGORITHM -> challenge(offers, answers);
            case RESPONSE -> {
                answered = true;
                yield judge(offers, answers);
            }
            case OVER -> refuse("CHAP goes on after its end");
        };
    }

    /// The accounts that were proven: several, when they have the same user and secret.
    List<ChapAccount> proven() {
        return proven;
    }

    /// Whether a response to the challenge was judged, right or wrong.
    boolean answered() {
        return answered;
    }

    /// Why it failed, for the log; or empty.
    String fault() {
        return fault;
    }

    private boolean challenge(Map<TextKey, String> offers, Map<TextKey, String> answers) {
        if (!offers.keySet().equals(ALGORITHM_KEYS)) {
            return refuse("CHAP_A alone is due");
        }
        ChapAlgorithm strongest = ChapAlgorithm.strongest(offers.getOrDefault(TextKey.CHAP_A, ""));
        if (strongest == null) {
            return refuse("no CHAP algorithm in common");
        }
        algorithm = strongest;
        identifier = random.nextInt(IDENTIFIERS.most() + 1);
        challenge = new byte[algorithm.digestBytes()];
        random.nextBytes(challenge);
        answers.put(TextKey.CHAP_A, algorithm.text());
        answers.put(TextKey.CHAP_I, Integer.toString(identifier));
        answers.put(TextKey.CHAP_C, BinaryValue.encode(challenge));
        step = Step.RESPONSE;
        return true;
    }

    private boolean judge(Map<TextKey, String> offers, Map<TextKey, String> answers) {
        boolean mutual = offers.keySet().equals(MUTUAL_KEYS);
        if (!mutual && !offers.keySet().equals(RESPONSE_KEYS)) {
            return refuse("CHAP_N and CHAP_R are due, with both CHAP_I and CHAP_C or neither");
        }
        byte[] response = BinaryValue.decode(offers.getOrDefault(TextKey.CHAP_R, ""));
        if (response == null || response.length != algorithm.digestBytes()) {
            return refuse("CHAP_R is no " + algorithm + " digest");
        }
        String user = offers.getOrDefault(TextKey.CHAP_N, "");
        List<ChapAccount> known =
                accounts.stream().filter(each -> each.user().equals(user)).toList();
        if (known.isEmpty()) {
            algorithm.response(identifier, challenge, challenge);
            return refuse("unknown user");
        }
        List<ChapAccount> matching =
                known.stream()
                        .filter(each ->
                                MessageDigest.isEqual(
                                        response,
                                        each.secret().response(algorithm, identifier, challenge)))
                        .toList();
        if (matching.isEmpty()) {
            return refuse("wrong secret");
        }
        if (mutual && !answer(matching, offers, answers)) {
            return false;
        }
        proven = matching;
        return true;
    }

    /// RFC 7143 9.2.1 CHAP Considerations: a challenge that comes back is an attempt to have us
    /// answer our own.
    private boolean answer(
            List<ChapAccount> matching, Map<TextKey, String> offers, Map<TextKey, String> answers) {
        byte[] theirs = BinaryValue.decode(offers.getOrDefault(TextKey.CHAP_C, ""));
        OptionalInt theirIdentifier = IDENTIFIERS.parse(offers.getOrDefault(TextKey.CHAP_I, ""));
        if (theirs == null
                || theirs.length == 0
                || theirs.length > MAX_BINARY_BYTES
                || theirIdentifier.isEmpty()) {
            return refuse("CHAP_I or CHAP_C is none");
        }
        if (MessageDigest.isEqual(theirs, challenge)) {
            return refuse("the challenge is our own");
        }
        ChapAccount.@Nullable Mutual target =
                matching.stream().flatMap(each -> each.target().stream()).findFirst().orElse(null);
        if (target == null) {
            return refuse("the target has no secret to prove itself with");
        }
        byte[] response = target.secret().response(algorithm, theirIdentifier.getAsInt(), theirs);
        answers.put(TextKey.CHAP_N, target.user());
        answers.put(TextKey.CHAP_R, BinaryValue.encode(response));
        return true;
    }

    private boolean refuse(String why) {
        fault = why;
        return false;
    }
}

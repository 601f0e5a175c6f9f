package io.lunkeeper.target.login;

import io.lunkeeper.target.login.KeyRule.Range;
import java.security.MessageDigest;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jscsi.parser.login.LoginStatus;
import org.jspecify.annotations.Nullable;

/// The target's side of RFC 7143 12.1.3 Challenge Handshake Authentication Protocol (CHAP) for one
/// login: the initiator names algorithms and is sent a challenge, it answers that and may send a
/// challenge of its own. Each step is taken once, by exactly its own keys, and nothing comes after
/// a step that failed.
///
/// RFC 7143 9.2 In-Band Initiator-Target Authentication: what is not of the form that its step
/// wants is an initiator error, or a missing parameter; authentication fails by what is of that
/// form and wrong. The form is judged before anything that depends on accounts. A user that is not
/// known costs the same time, and ends the same way, as a wrong secret.
final class Chap {
    /// 12.1.3: what a challenge or a response has at most.
    static final int MAX_BINARY_BYTES = 1024;

    private static final Range IDENTIFIERS = new Range(0, 255);
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
    private int theirIdentifier;
    private byte[] theirChallenge = {};
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
    /// @return null when all is well
    @Nullable LoginStatus receive(Map<TextKey, String> offers, Map<TextKey, String> answers) {
        Step now = step;
        step = Step.OVER;
        return switch (now) {
            case ALGORITHM -> challenge(offers, answers);
            case RESPONSE -> {
                answered = true;
                yield judge(offers, answers);
            }
            case OVER -> malformed("CHAP goes on after its end");
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

    private @Nullable LoginStatus challenge(
            Map<TextKey, String> offers, Map<TextKey, String> answers) {
        if (!offers.containsKey(TextKey.CHAP_A)) {
            return missing("CHAP_A is due");
        }
        if (offers.size() > 1) {
            return malformed("CHAP_A alone is due");
        }
        List<Integer> numbers = ChapAlgorithm.numbers(offers.getOrDefault(TextKey.CHAP_A, ""));
        if (numbers.isEmpty()) {
            return malformed("CHAP_A is no list of numbers");
        }
        ChapAlgorithm strongest = ChapAlgorithm.strongest(numbers);
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
        return null;
    }

    private @Nullable LoginStatus judge(Map<TextKey, String> offers, Map<TextKey, String> answers) {
        boolean mutual = offers.containsKey(TextKey.CHAP_I) || offers.containsKey(TextKey.CHAP_C);
        Set<TextKey> due = mutual ? MUTUAL_KEYS : RESPONSE_KEYS;
        if (!offers.keySet().containsAll(due)) {
            return missing("CHAP_N and CHAP_R are due, with both CHAP_I and CHAP_C or neither");
        }
        byte[] response = BinaryValue.decode(offers.getOrDefault(TextKey.CHAP_R, ""));
        if (response == null || response.length != algorithm.digestBytes()) {
            return malformed("CHAP_R is no " + algorithm + " digest");
        }
        if (mutual) {
            LoginStatus failure = readChallenge(offers);
            if (failure != null) {
                return failure;
            }
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
        LoginStatus failure = mutual ? answer(matching, answers) : null;
        if (failure == null) {
            proven = matching;
        }
        return failure;
    }

    /// Takes the initiator's challenge.
    private @Nullable LoginStatus readChallenge(Map<TextKey, String> offers) {
        byte[] theirs = BinaryValue.decode(offers.getOrDefault(TextKey.CHAP_C, ""));
        OptionalInt number = IDENTIFIERS.parse(offers.getOrDefault(TextKey.CHAP_I, ""));
        if (theirs == null || theirs.length > MAX_BINARY_BYTES || number.isEmpty()) {
            return malformed("CHAP_I or CHAP_C is none");
        }
        theirChallenge = theirs;
        theirIdentifier = number.getAsInt();
        return null;
    }

    /// RFC 7143 9.2.1 CHAP Considerations: a challenge that comes back is an attempt to have us
    /// answer our own.
    private @Nullable LoginStatus answer(List<ChapAccount> matching, Map<TextKey, String> answers) {
        if (MessageDigest.isEqual(theirChallenge, challenge)) {
            return refuse("the challenge is our own");
        }
        ChapAccount.@Nullable Mutual target =
                matching.stream().flatMap(each -> each.target().stream()).findFirst().orElse(null);
        if (target == null) {
            return refuse("the target has no secret to prove itself with");
        }
        byte[] response = target.secret().response(algorithm, theirIdentifier, theirChallenge);
        answers.put(TextKey.CHAP_N, target.user());
        answers.put(TextKey.CHAP_R, BinaryValue.encode(response));
        return null;
    }

    private LoginStatus missing(String why) {
        fault = why;
        return LoginStatus.MISSING_PARAMETER;
    }

    private LoginStatus malformed(String why) {
        fault = why;
        return LoginStatus.INITIATOR_ERROR;
    }

    private LoginStatus refuse(String why) {
        fault = why;
        return LoginStatus.AUTHENTICATION_FAILURE;
    }
}

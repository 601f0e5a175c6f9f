package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The initiator's side of CHAP in these tests, made from RFC 1994 and `java.security` alone.
final class ChapInitiator {
    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;

    private static final Map<String, String> HASHES =
            Map.of("5", "MD5", "6", "SHA-1", "7", "SHA-256", "8", "SHA3-256");

    private final LoginNegotiation login;
    private String algorithm = "";
    private String identifier = "";
    private String challenge = "";

    ChapInitiator(LoginNegotiation login) {
        this.login = login;
    }

    /// Goes on until the challenge is there.
    ///
    /// @param names who logs in to what
    /// @param algorithms what CHAP_A offers
    static ChapInitiator challenged(LoginNegotiation login, String names, String algorithms) {
        ChapInitiator initiator = new ChapInitiator(login);
        LoginReply method = initiator.send(names + ";AuthMethod=CHAP,None");
        assertEquals("CHAP", pairs(method).get("AuthMethod"), method.toString());
        initiator.challenge(algorithms);
        return initiator;
    }

    /// Sends CHAP_A and takes the challenge.
    void challenge(String algorithms) {
        LoginReply reply = send("CHAP_A=" + algorithms);
        assertEquals(0, reply.statusClass());
        assertEquals(false, reply.transit());
        Map<String, String> pairs = pairs(reply);
        assertEquals(3, pairs.size(), reply.text());
        algorithm = pairs.getOrDefault("CHAP_A", "");
        identifier = pairs.getOrDefault("CHAP_I", "");
        challenge = pairs.getOrDefault("CHAP_C", "");
    }

    /// Sends a text of the security stage that asks for the next stage.
    LoginReply send(String text) {
        return login.receive(Logins.request(SECURITY, OPERATIONAL, text));
    }

    /// CHAP_N and CHAP_R for the challenge.
    String response(String user, String secret) {
        return "CHAP_N=" + user + ";CHAP_R=0x" + digest(secret, identifier, challenge);
    }

    /// The response to a challenge by the algorithm agreed on, in hexadecimal digits.
    String digest(String secret, String toIdentifier, String toChallenge) {
        try {
            MessageDigest hash = MessageDigest.getInstance(HASHES.getOrDefault(algorithm, ""));
            hash.update((byte) Integer.parseInt(toIdentifier));
            hash.update(secret.getBytes(StandardCharsets.UTF_8));
            hash.update(HexFormat.of().parseHex(toChallenge.substring(2)));
            return HexFormat.of().formatHex(hash.digest());
        } catch (GeneralSecurityException gone) {
            throw new AssertionError(gone);
        }
    }

    String algorithm() {
        return algorithm;
    }

    String identifier() {
        return identifier;
    }

    String challenge() {
        return challenge;
    }

    /// The pairs of a reply.
    static Map<String, String> pairs(LoginReply reply) {
        Map<String, String> pairs = new HashMap<>();
        for (TextKeys.Pair pair :
                Objects.requireNonNullElse(
                        TextKeys.parse(reply.text().getBytes(StandardCharsets.UTF_8)),
                        List.<TextKeys.Pair>of())) {
            pairs.put(pair.key(), pair.value());
        }
        return pairs;
    }
}

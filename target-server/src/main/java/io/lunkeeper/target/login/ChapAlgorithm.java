package io.lunkeeper.target.login;

import io.lunkeeper.target.login.KeyRule.Range;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// The hash functions of CHAP, the strongest first. RFC 7143 12.1.3 Challenge Handshake
/// Authentication Protocol (CHAP) has MD5; the others are from the registry that their numbers are
/// from, IANA's "PPP Authentication Algorithms".
enum ChapAlgorithm {
    SHA3_256(8, "SHA3-256", 32),
    SHA_256(7, "SHA-256", 32),
    SHA_1(6, "SHA-1", 20),
    MD5(5, "MD5", 16);

    private static final Range NUMBERS = new Range(0, Integer.MAX_VALUE);

    /// Those that this Java has: one that is confined to approved functions has no MD5.
    private static final List<ChapAlgorithm> OFFERED =
            Arrays.stream(values()).filter(ChapAlgorithm::isThere).toList();

    private final int number;
    private final String hash;
    private final int digestBytes;

    ChapAlgorithm(int number, String hash, int digestBytes) {
        this.number = number;
        this.hash = hash;
        this.digestBytes = digestBytes;
    }

    /// The numbers of an offer. RFC 7143 6.2.1 List Negotiations: what is none is passed over.
    static List<Integer> numbers(String offer) {
        return Arrays.stream(offer.split(",", -1))
                .map(NUMBERS::parse)
                .filter(OptionalInt::isPresent)
                .map(OptionalInt::getAsInt)
                .toList();
    }

    /// The strongest of a list of numbers, whatever its order: initiators name MD5 first.
    ///
    /// @return null when there is none in it
    static @Nullable ChapAlgorithm strongest(List<Integer> numbers) {
        return OFFERED.stream()
                .filter(each -> numbers.contains(each.number))
                .findFirst()
                .orElse(null);
    }

    /// The number as CHAP_A has it.
    String text() {
        return Integer.toString(number);
    }

    int digestBytes() {
        return digestBytes;
    }

    /// RFC 1994 4.1 Challenge and Response: what proves the knowledge of a secret.
    byte[] response(int identifier, byte[] secret, byte[] challenge) {
        MessageDigest digest = digest();
        digest.update((byte) identifier);
        digest.update(secret);
        return digest.digest(challenge);
    }

    private MessageDigest digest() {
        try {
            return MessageDigest.getInstance(hash);
        } catch (NoSuchAlgorithmException gone) {
            throw new AssertionError(hash, gone);
        }
    }

    private boolean isThere() {
        try {
            return MessageDigest.getInstance(hash).getDigestLength() == digestBytes;
        } catch (NoSuchAlgorithmException absent) {
            return false;
        }
    }
}

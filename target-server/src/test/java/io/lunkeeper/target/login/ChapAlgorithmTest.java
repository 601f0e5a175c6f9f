package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ChapAlgorithmTest {

    /// Digests of the identifier, the secret and the challenge one after the other, by OpenSSL.
    @ParameterizedTest
    @CsvSource({
        "MD5, 0, 00112233445566778899aabbccddeeff," + " 2e7aaa6266fe0f4019af3be5b0b79f46",
        "MD5, 255, 00112233445566778899aabbccddeeff," + " a2cc6c3597dd3964b01413fb79779f30",
        "SHA_1, 201, 00112233445566778899aabbccddeeff00112233,"
                + " c9297b6aed426a0e34c8ecb7897ffa0dd88f60fb",
        "SHA_256, 201, ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff,"
                + " 50ded8a44d8e17b8840a1941458c65b477af3c71026ec9461662987f02fef42a",
        "SHA3_256, 201, 0000000000000000000000000000000000000000000000000000000000000001,"
                + " ae778ffb9b059d1c39ef1e98858f0c2bcab677aaa1530f3d9f18787f1cbf3753",
    })
    void hashesIdentifierSecretAndChallenge(
            ChapAlgorithm algorithm, int identifier, String challenge, String response) {
        byte[] secret = "correct horse battery".getBytes(StandardCharsets.US_ASCII);
        byte[] digest = algorithm.response(identifier, secret, HexFormat.of().parseHex(challenge));
        assertEquals(response, HexFormat.of().formatHex(digest));
        assertEquals(algorithm.digestBytes(), digest.length);
    }

    @ParameterizedTest
    @CsvSource({
        "'5,6,7,8', SHA3_256",
        "'8,7,6,5', SHA3_256",
        "'5,7', SHA_256",
        "'7,5', SHA_256",
        "'6,5', SHA_1",
        "'5', MD5",
        "'99,5', MD5",
        "'5,', MD5",
        "'4,0x5', MD5",
        "'MD5,5', MD5",
        "'05', ",
        "' 5', ",
        "'4', ",
        "'9,128', ",
        "'MD5', ",
        "'', ",
    })
    void choosesTheStrongestWhateverTheOrder(String offer, ChapAlgorithm chosen) {
        assertEquals(chosen, ChapAlgorithm.strongest(ChapAlgorithm.numbers(offer)));
    }

    @Test
    void secretsAreEqualWhenTheirBytesAreAndTellNothing() {
        ChapSecret one = new ChapSecret("correct horse".getBytes(StandardCharsets.US_ASCII));
        ChapSecret same = new ChapSecret("correct horse".getBytes(StandardCharsets.US_ASCII));
        ChapSecret other = new ChapSecret("correct hors".getBytes(StandardCharsets.US_ASCII));
        assertEquals(one, same);
        assertEquals(one.hashCode(), same.hashCode());
        assertNotEquals(one, other);
        assertEquals("ChapSecret[hidden]", one.toString());
    }
}

package io.lunkeeper.target.login;

import java.security.MessageDigest;
import java.util.Arrays;

/// A CHAP secret. Two are equal when their bytes are; how long it takes to say so does not tell
/// where they differ. Its text tells nothing.
public final class ChapSecret {
    private final byte[] bytes;

    public ChapSecret(byte[] bytes) {
        this.bytes = bytes.clone();
    }

    byte[] response(ChapAlgorithm algorithm, int identifier, byte[] challenge) {
        return algorithm.response(identifier, bytes, challenge);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ChapSecret secret && MessageDigest.isEqual(bytes, secret.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return "ChapSecret[hidden]";
    }
}

package io.lunkeeper.target.fuzz;

import java.util.Arrays;

/// The bytes of one input as a row of choices. Where they have run out every choice is the first,
/// zero, so that any input, cut anywhere, is one.
public final class Choices {
    private final byte[] input;
    private int at;

    public Choices(byte[] input) {
        this.input = input;
    }

    /// Whether there are bytes left.
    public boolean more() {
        return at < input.length;
    }

    /// One byte, 0 to 255.
    public int octet() {
        return more() ? input[at++] & 0xff : 0;
    }

    /// A choice of so many, at most 256: 0 to `count - 1`.
    public int of(int count) {
        return octet() % count;
    }

    /// Two bytes, 0 to 65535.
    public int word() {
        return octet() << 8 | octet();
    }

    /// Four bytes.
    public int number() {
        return word() << 16 | word();
    }

    /// At most so many of the bytes that are left.
    public byte[] bytes(int count) {
        int end = Math.min(input.length, at + count);
        byte[] taken = Arrays.copyOfRange(input, at, end);
        at = end;
        return taken;
    }

    /// All that is left.
    public byte[] rest() {
        return bytes(input.length - at);
    }
}

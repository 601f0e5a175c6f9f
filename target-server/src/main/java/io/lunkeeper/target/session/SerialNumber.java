package io.lunkeeper.target.session;

/// A 32-bit sequence number that wraps (RFC 1982 serial number arithmetic, which RFC 7143 4.2.2
/// prescribes for CmdSN and StatSN). A type of its own so that `<` on it does not compile.
record SerialNumber(int value) {

    /// Whether this number comes before the other: their distance is under 2^31.
    boolean precedes(SerialNumber other) {
        return value - other.value < 0;
    }

    /// This number advanced by `count`, which may be negative.
    SerialNumber plus(int count) {
        return new SerialNumber(value + count);
    }

    /// How far this number is ahead of the other.
    int minus(SerialNumber other) {
        return value - other.value;
    }
}

package io.lunkeeper.target.session;

/// A 32-bit sequence number that wraps: CmdSN, for which RFC 7143 4.2.2.1 prescribes the serial
/// number arithmetic of RFC 1982, and StatSN, which 4.2.2.2 has counted modulo 2^32 and which are
/// never far apart. A type of its own so that `<` on it does not compile.
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

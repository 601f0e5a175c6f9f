package io.lunkeeper.target.scsi;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/// A name that a logical unit is known by all over the world (SPC-4 7.8.6 Device Identification VPD
/// page; UUID: SPC-5).
///
/// @param digits hexadecimal, an even number of them, as many as the type has
public record UnitName(Type type, String digits) {

    /// The types of designators that hold such names.
    public enum Type {
        /// EUI-64 based: 8, 12 or 16 bytes.
        EUI_64(0x2),
        /// 8 or 16 bytes, the first four bits of which say how they were assigned.
        NAA(0x3),
        /// 16 bytes.
        UUID(0xa);

        private final int designatorType;

        Type(int designatorType) {
            this.designatorType = designatorType;
        }

        /// The DESIGNATOR TYPE.
        int designatorType() {
            return designatorType;
        }
    }

    /// In front of a UUID: that it is one (UUID TYPE 1h), and a reserved byte.
    private static final short UUID_HEADER = 0x1000;

    /// The DESIGNATOR field.
    byte[] designator() {
        byte[] bytes = HexFormat.of().parseHex(digits);
        return type == Type.UUID
                ? ByteBuffer.allocate(Short.BYTES + bytes.length)
                        .putShort(UUID_HEADER)
                        .put(bytes)
                        .array()
                : bytes;
    }
}

package io.lunkeeper.target.scsi;

import java.util.HexFormat;

/// The CDB usage data of one command: a bit is one where the CDB may have one (SPC-4 6.35 REPORT
/// SUPPORTED OPERATION CODES command).
final class CdbUsage {
    /// What [#offendingBit] says of a CDB that sets no bit it must not.
    static final int NO_OFFENCE = -1;

    /// The service action is the low five bits of byte 1.
    static final int SERVICE_ACTION_MASK = 0x1f;

    private final byte[] bytes;
    private final boolean serviceAction;
    private final long forbiddenHigh;
    private final long forbiddenLow;

    /// @param usage the bytes in hexadecimal, the operation code first
    /// @param serviceAction whether byte 1 holds a service action
    CdbUsage(String usage, boolean serviceAction) {
        this.bytes = HexFormat.ofDelimiter(" ").parseHex(usage);
        this.serviceAction = serviceAction;
        this.forbiddenHigh = forbidden(0);
        this.forbiddenLow = forbidden(8);
    }

    int operationCode() {
        return bytes[0] & 0xff;
    }

    int lengthBytes() {
        return bytes.length;
    }

    /// A copy of the bytes.
    byte[] bytes() {
        return bytes.clone();
    }

    /// The first byte of the TRANSFER LENGTH, VERIFICATION LENGTH or NUMBER OF LOGICAL BLOCKS
    /// field: the commands on blocks agree on it by length.
    int transferLengthByte() {
        return switch (bytes.length) {
            case 6 -> 4;
            case 10 -> 7;
            case 12 -> 6;
            default -> 10;
        };
    }

    /// Where a CDB sets a bit that this command does not allow: `byte * 8 + bit`, the bit being the
    /// most significant of the field in error as SPC-4 4.5.2.4.2 Field pointer sense key specific
    /// data asks. [#NO_OFFENCE] when there is none.
    int offendingBit(long high, long low) {
        long wrongHigh = high & forbiddenHigh;
        long wrongLow = low & forbiddenLow;
        if ((wrongHigh | wrongLow) == 0) {
            return NO_OFFENCE;
        }
        int position =
                wrongHigh != 0
                        ? Long.numberOfLeadingZeros(wrongHigh)
                        : Long.SIZE + Long.numberOfLeadingZeros(wrongLow);
        int index = position >> 3;
        int bit = 7 - (position & 7);
        return index * 8 + (index == bytes.length - 1 ? controlField(bit) : maskField(index, bit));
    }

    /// The top of the control byte's field that `bit` is in (SAM-5 5.2 Control byte): vendor
    /// specific, reserved, NACA, obsolete.
    private static int controlField(int bit) {
        return switch (bit) {
            case 7, 6 -> 7;
            case 5, 4, 3 -> 5;
            case 2 -> 2;
            default -> 1;
        };
    }

    /// The top of the run of bits not allowed that `bit` is in: RDPROTECT, or a reserved field.
    private int maskField(int index, int bit) {
        int top = bit;
        while (top < 7 && (allowed(index) & 1 << (top + 1)) == 0) {
            top++;
        }
        return top;
    }

    private int allowed(int index) {
        boolean holdsServiceAction = index == 1 && serviceAction;
        return bytes[index] | (holdsServiceAction ? SERVICE_ACTION_MASK : 0);
    }

    /// The bits not allowed in eight bytes of the CDB. The operation code and what follows the CDB
    /// in a transport's fixed field are nobody's bits.
    private long forbidden(int first) {
        long bits = 0;
        for (int index = first; index < first + Long.BYTES; index++) {
            boolean checked = index > 0 && index < bytes.length;
            bits = (bits << 8) | (checked ? ~allowed(index) & 0xff : 0);
        }
        return bits;
    }
}

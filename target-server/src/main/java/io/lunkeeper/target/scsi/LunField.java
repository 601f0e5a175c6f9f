package io.lunkeeper.target.scsi;

/// The eight bytes of a LUN field (SAM-5 4.7 Logical unit number) to and from a number. Single
/// level: the first two bytes say it all, the other six are zero.
final class LunField {
    /// The largest number of flat space addressing (SAM-5 4.7.7.4 Flat space addressing method).
    static final int MAX_NUMBER = 0x3fff;

    /// What [#number] says of a field in a form that no logical unit here has.
    static final int NONE = -1;

    /// The largest number of peripheral device addressing on bus 0.
    private static final int MAX_PERIPHERAL = 0xff;

    private static final int PERIPHERAL = 0;
    private static final int FLAT = 1;

    private LunField() {}

    /// The number that a field addresses, 0 to [#MAX_NUMBER], or [#NONE].
    static int number(long field) {
        if (field << Short.SIZE != 0) {
            return NONE;
        }
        int method = (int) (field >>> 62);
        int rest = (int) (field >>> 48) & MAX_NUMBER;
        return switch (method) {
            case PERIPHERAL -> rest <= MAX_PERIPHERAL ? rest : NONE;
            case FLAT -> rest;
            default -> NONE;
        };
    }

    /// The field that REPORT LUNS gives for a number.
    static long of(int number) {
        assert number >= 0 && number <= MAX_NUMBER : number;
        long method = number <= MAX_PERIPHERAL ? PERIPHERAL : FLAT;
        return (method << 14 | number) << 48;
    }
}

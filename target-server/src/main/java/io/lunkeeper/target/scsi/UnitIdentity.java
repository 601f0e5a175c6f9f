package io.lunkeeper.target.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/// The names of one logical unit. All but what the administrator gave follow from the target's name
/// and the LUN by SHA-256, so they are the same after every restart and on every machine, and need
/// no registry.
///
/// @param targetName the iSCSI name of the target
/// @param serial the unit serial number, ASCII
/// @param unique hexadecimal, the vendor's own identifier of this unit
/// @param names those by which the unit can be told from any other, the most telling first; not
///   empty
record UnitIdentity(
        String targetName, int lun, String serial, String unique, List<UnitName> names) {

    /// Eight bytes, as the INQUIRY field has.
    static final String VENDOR = "LUNKEEPR";

    /// Sixteen bytes, as the INQUIRY field has.
    static final String PRODUCT = "Virtual Disk    ";

    /// Four bytes, as the INQUIRY field has.
    static final String REVISION = "0001";

    /// The NAA of an identifier that its maker answers for (SPC-4 7.8.6.6.3 NAA Locally Assigned
    /// designator format). The forms with a company identifier need one that IEEE has sold; this is
    /// the form that claims nothing, and initiators take it for a unique name as well.
    private static final long NAA_LOCALLY_ASSIGNED = 0x3L << 60;

    private static final int UNIQUE_BYTES = 12;

    static UnitIdentity derive(String targetName, int lun, Optional<String> serial) {
        byte[] digest =
                sha256(
                        ("logical unit\0" + targetName + '\0' + lun)
                                .getBytes(StandardCharsets.UTF_8));
        long assigned = ByteBuffer.wrap(digest).getLong() >>> 4 | NAA_LOCALLY_ASSIGNED;
        String unique = HexFormat.of().formatHex(digest, Long.BYTES, Long.BYTES + UNIQUE_BYTES);
        UnitName name = new UnitName(UnitName.Type.NAA, HexFormat.of().toHexDigits(assigned));
        return new UnitIdentity(targetName, lun, serial.orElse(unique), unique, List.of(name));
    }

    /// The same under names that were given. A derived name beside them would be another disk to an
    /// initiator that prefers its type.
    ///
    /// @param given empty: nothing changes
    UnitIdentity named(List<UnitName> given) {
        return given.isEmpty()
                ? this
                : new UnitIdentity(targetName, lun, serial, unique, List.copyOf(given));
    }

    private static byte[] sha256(byte[] seed) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(seed);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}

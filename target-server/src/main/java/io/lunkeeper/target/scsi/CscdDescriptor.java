package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An identification descriptor CSCD descriptor (SPC-4, Identification Descriptor CSCD descriptor
/// format): names a copy source or copy destination as the Device Identification VPD page does.
///
/// @param absent whether it stands for no device at all (NUL, obsolete)
/// @param deviceType PERIPHERAL DEVICE TYPE
/// @param designator as in the page, the code set first
/// @param blockBytes DISK BLOCK LENGTH; 0: whatever the unit has
record CscdDescriptor(boolean absent, int deviceType, ByteBuffer designator, int blockBytes) {
    static final int TYPE = 0xe4;

    /// A CSCD descriptor ID that needs no descriptor: the logical unit that has the command.
    static final int COPY_MANAGER = 0xffff;

    private static final int NUL = 0x20;
    private static final int DEVICE_TYPE = 0x1f;
    private static final int DIRECT_ACCESS = 0;
    private static final int MAX_DESIGNATOR_BYTES = 20;

    /// What a descriptor names.
    ///
    /// @param unit null when it names nothing that can be reached
    /// @param fault why not
    record Resolved(@Nullable LogicalUnit unit, Sense fault) {
        static Resolved to(LogicalUnit unit) {
            return new Resolved(unit, Sense.NO_SENSE);
        }

        static Resolved not(Sense fault) {
            return new Resolved(null, fault);
        }
    }

    /// The descriptor of a logical unit.
    static byte[] of(LogicalUnit unit) {
        ByteBuffer name = unit.name();
        return ByteBuffer.allocate(CopyLimits.CSCD_DESCRIPTOR_BYTES)
                .put((byte) TYPE)
                .put(4, name, 0, name.remaining())
                .putInt(28, (int) unit.bytes(1))
                .array();
    }

    /// Reads a descriptor. What LU ID TYPE says does not count here.
    static CscdDescriptor at(ByteBuf list, int at) {
        int flags = list.getUnsignedByte(at + 1);
        int length = Math.min(MAX_DESIGNATOR_BYTES, list.getUnsignedByte(at + 7));
        byte[] designator = new byte[4 + length];
        list.getBytes(at + 4, designator);
        designator[3] = list.getByte(at + 7);
        return new CscdDescriptor(
                (flags & NUL) != 0,
                flags & DEVICE_TYPE,
                ByteBuffer.wrap(designator),
                list.getUnsignedMedium(at + 29));
    }

    /// Finds the logical unit that is meant.
    ///
    /// @param among the logical units that may be meant
    Resolved resolve(List<LogicalUnit> among) {
        if (absent) {
            return Resolved.not(CopySense.COPY_TARGET_DEVICE_NOT_REACHABLE);
        }
        for (LogicalUnit each : among) {
            if (each.isNamed(designator)) {
                return fits(each);
            }
        }
        return Resolved.not(CopySense.COPY_TARGET_DEVICE_NOT_REACHABLE);
    }

    private Resolved fits(LogicalUnit unit) {
        if (deviceType != DIRECT_ACCESS) {
            return Resolved.not(CopySense.INCORRECT_COPY_TARGET_DEVICE_TYPE);
        }
        return blockBytes == 0 || blockBytes == unit.bytes(1)
                ? Resolved.to(unit)
                : Resolved.not(CopySense.INVALID_OPERATION_FOR_COPY_SOURCE_OR_DESTINATION);
    }
}

package io.lunkeeper.target.scsi;

import io.lunkeeper.target.scsi.Registrations.Reservation;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/// PERSISTENT RESERVE IN (SPC-4 6.15 PERSISTENT RESERVE IN command): who is registered and who has
/// reserved.
final class ReserveIn {
    private static final int HEADER_BYTES = 8;
    private static final int RESERVATION_BYTES = 16;
    private static final int CAPABILITIES_BYTES = 8;
    private static final int FULL_STATUS_BYTES = 24;

    /// RLR_C, CRH, SIP_C, ATP_C and PTPL_C.
    private static final int CAPABILITIES = 0x9d;

    /// TMV.
    private static final int TYPES_VALID = 0x80;

    private static final int PERSISTENT_NOW = 0x01;
    private static final int HOLDER = 0x01;

    private ReserveIn() {}

    /// The service actions, in the order of their codes.
    enum Query {
        READ_KEYS,
        READ_RESERVATION,
        REPORT_CAPABILITIES,
        READ_FULL_STATUS
    }

    static Outcome answer(LogicalUnit unit, Cdb.PersistentReserveIn cdb) {
        Registrations now = unit.reservations().now();
        byte[] data =
                switch (cdb.query()) {
                    case READ_KEYS -> keys(now);
                    case READ_RESERVATION -> reservation(now);
                    case REPORT_CAPABILITIES -> capabilities(now);
                    case READ_FULL_STATUS -> fullStatus(now);
                };
        return Parameters.cut(data, cdb.allocationLength());
    }

    private static byte[] list(Registrations now, byte[] content) {
        return ByteBuffer.allocate(HEADER_BYTES + content.length)
                .putInt(now.generation())
                .putInt(content.length)
                .put(content)
                .array();
    }

    private static byte[] keys(Registrations now) {
        ByteBuffer keys = ByteBuffer.allocate(now.keys().size() * Long.BYTES);
        now.keys().values().forEach(keys::putLong);
        return list(now, keys.array());
    }

    /// SPC-4 6.15.3 READ RESERVATION service action. One that all hold has no key.
    private static byte[] reservation(Registrations now) {
        Reservation held = now.reservation();
        if (held == null) {
            return list(now, new byte[0]);
        }
        NexusName holder = held.holder();
        Long key = holder == null ? Long.valueOf(0) : now.keys().get(holder);
        return list(
                now,
                ByteBuffer.allocate(RESERVATION_BYTES)
                        .putLong(key == null ? 0 : key)
                        .putInt(0)
                        .put((byte) 0)
                        .put((byte) held.type().code())
                        .array());
    }

    private static byte[] capabilities(Registrations now) {
        int types = 0;
        for (ReservationType type : ReservationType.values()) {
            types |= 1 << type.code();
        }
        return ByteBuffer.allocate(CAPABILITIES_BYTES)
                .putShort((short) CAPABILITIES_BYTES)
                .put((byte) CAPABILITIES)
                .put((byte) (TYPES_VALID | (now.persistent() ? PERSISTENT_NOW : 0)))
                // The mask has the low eight types in its first byte.
                .put((byte) types)
                .put((byte) (types >> 8))
                .array();
    }

    private static byte[] fullStatus(Registrations now) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        now.keys().forEach((nexus, key) -> all.writeBytes(fullStatus(now, nexus, key)));
        return list(now, all.toByteArray());
    }

    /// SPC-4 6.15.5 READ FULL STATUS service action. ALL_TG_PT is zero: each registration is one of
    /// an initiator port through one target port, also where all were made by one command.
    private static byte[] fullStatus(Registrations now, NexusName nexus, long key) {
        Reservation held = now.holds(nexus) ? now.reservation() : null;
        byte[] id = TransportId.ofPort(nexus.initiatorPort());
        return ByteBuffer.allocate(FULL_STATUS_BYTES + id.length)
                .putLong(key)
                .putInt(0)
                .put((byte) (held == null ? 0 : HOLDER))
                .put((byte) (held == null ? 0 : held.type().code()))
                .putInt(0)
                .putShort((short) nexus.targetPort())
                .putInt(id.length)
                .put(id)
                .array();
    }
}

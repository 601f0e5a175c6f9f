package io.lunkeeper.target.scsi;

import java.util.Optional;
import java.util.stream.Stream;

/// The types of persistent reservations (SPC-4 6.15.3.4 Persistent reservations type). All reserve
/// the whole logical unit, the only scope there is.
enum ReservationType {
    WRITE_EXCLUSIVE(0x1, false, Sharing.HOLDER),
    EXCLUSIVE_ACCESS(0x3, true, Sharing.HOLDER),
    WRITE_EXCLUSIVE_REGISTRANTS_ONLY(0x5, false, Sharing.REGISTRANTS_ONLY),
    EXCLUSIVE_ACCESS_REGISTRANTS_ONLY(0x6, true, Sharing.REGISTRANTS_ONLY),
    WRITE_EXCLUSIVE_ALL_REGISTRANTS(0x7, false, Sharing.ALL_REGISTRANTS),
    EXCLUSIVE_ACCESS_ALL_REGISTRANTS(0x8, true, Sharing.ALL_REGISTRANTS);

    private enum Sharing {
        /// One nexus holds the reservation and has access.
        HOLDER,
        /// One holds it; every registered one has access.
        REGISTRANTS_ONLY,
        /// Every registered one holds it.
        ALL_REGISTRANTS
    }

    private final int code;
    private final boolean excludesReads;
    private final Sharing sharing;

    ReservationType(int code, boolean excludesReads, Sharing sharing) {
        this.code = code;
        this.excludesReads = excludesReads;
        this.sharing = sharing;
    }

    /// The type of a TYPE field; nothing when it is obsolete or reserved.
    static Optional<ReservationType> of(int code) {
        return Stream.of(values()).filter(type -> type.code == code).findFirst();
    }

    /// The value of the TYPE field.
    int code() {
        return code;
    }

    /// Whether others may not even read.
    boolean excludesReads() {
        return excludesReads;
    }

    /// Whether every registered nexus has access.
    boolean admitsRegistrants() {
        return sharing != Sharing.HOLDER;
    }

    /// Whether every registered nexus holds it.
    boolean heldByAll() {
        return sharing == Sharing.ALL_REGISTRANTS;
    }
}

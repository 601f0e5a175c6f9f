package io.lunkeeper.tests.bench;

/// The numbered places that a run reads and writes: so many of each LUN, evenly spread over it, one
/// LUN after the other.
///
/// @param perLun how many there are on each LUN
/// @param stride blocks from one to the next
/// @param blocks of each
record Places(int firstLun, int luns, int perLun, long stride, int blocks) {

    /// @param wanted on each LUN, if it has that many
    /// @param lunBlocks the size of each LUN
    static Places of(int firstLun, int luns, int wanted, long lunBlocks, int blocks) {
        long all = lunBlocks / blocks;
        int perLun = (int) Math.min(all, Math.min(wanted, Integer.MAX_VALUE / luns));
        return new Places(firstLun, luns, perLun, all / perLun * blocks, blocks);
    }

    int total() {
        return luns * perLun;
    }

    int lun(int place) {
        return firstLun + place / perLun;
    }

    /// SAM-5 4.7 Logical unit number: flat space addressing beyond 255.
    static long lunField(int lun) {
        return (lun < 256 ? (long) lun : 0x4000L | lun) << 48;
    }

    long lba(int place) {
        return place % perLun * stride;
    }
}

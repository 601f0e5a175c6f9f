package io.lunkeeper.target.scsi;

/// How much one command may ask for: reported in the Block Limits VPD page and enforced. Each limit
/// bounds the time that one command can hold an I/O thread.
///
/// @param blockSizeBytes the logical block size
/// @param physicalBlockSizeBytes the physical block size
record BlockLimits(int blockSizeBytes, int physicalBlockSizeBytes) {
    /// READ, WRITE and VERIFY: some 30 ms of a fast disk, and more than any initiator asks for.
    static final int MAX_TRANSFER_BYTES = 32 << 20;

    /// WRITE SAME: like a transfer, but only one block of it crosses the network.
    static final int MAX_WRITE_SAME_BYTES = 64 << 20;

    /// PRE-FETCH: more than a cache should be filled with at a word.
    static final int MAX_PRE_FETCH_BYTES = 64 << 20;

    /// COMPARE AND WRITE: others wait for it, and its data is gathered whole.
    static final int MAX_COMPARE_AND_WRITE_BYTES = 32 << 10;

    /// UNMAP, all descriptors together. A hole costs metadata only.
    static final int MAX_UNMAP_BLOCKS = 1 << 20;

    /// UNMAP: each descriptor is a system call.
    static final int MAX_UNMAP_DESCRIPTORS = 256;

    /// What file systems give back whole: the block of ext4 and XFS.
    private static final int UNMAP_GRANULARITY_BYTES = 4096;

    /// The length from which longer transfers are no faster.
    private static final int OPTIMAL_TRANSFER_BYTES = 1 << 20;

    int maxTransferBlocks() {
        return MAX_TRANSFER_BYTES / blockSizeBytes;
    }

    int maxWriteSameBlocks() {
        return MAX_WRITE_SAME_BYTES / blockSizeBytes;
    }

    int maxPreFetchBlocks() {
        return MAX_PRE_FETCH_BYTES / blockSizeBytes;
    }

    int maxCompareAndWriteBlocks() {
        return MAX_COMPARE_AND_WRITE_BYTES / blockSizeBytes;
    }

    int optimalTransferBlocks() {
        return OPTIMAL_TRANSFER_BYTES / blockSizeBytes;
    }

    /// Zero, not reported, with blocks that are large already: there it could only repeat what the
    /// physical block says, and QEMU aborts on LUNs of 4 KiB blocks that report one.
    int unmapGranularityBlocks() {
        return blockSizeBytes >= UNMAP_GRANULARITY_BYTES
                ? 0
                : Math.max(UNMAP_GRANULARITY_BYTES, physicalBlockSizeBytes) / blockSizeBytes;
    }

    int blocksPerPhysicalBlock() {
        return physicalBlockSizeBytes / blockSizeBytes;
    }
}

package io.lunkeeper.tests.crash;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;

/// What each sector of a LUN may hold: the last acknowledged version, and, while a command is in
/// flight or its fate unknown, the version that this command brings. Version 0 is all zeros. Any
/// other version of a sector is a stamp of sector and version, followed by noise that both derive,
/// so that neither a stale, nor a misplaced, nor a torn sector looks right.
final class SectorLedger {
    static final int SECTOR_BYTES = 512;

    private static final long NONE = -1;

    private final long salt;
    private final long[] settled;
    private final long[] pending;

    SectorLedger(int sectors, long salt) {
        this.salt = salt;
        settled = new long[sectors];
        pending = new long[sectors];
        Arrays.fill(pending, NONE);
    }

    int sectors() {
        return settled.length;
    }

    /// Whether no command in flight touches the range: only then its outcome can be told apart.
    boolean isIdle(int sector, int count) {
        for (int i = sector; i < sector + count; i++) {
            if (pending[i] != NONE) {
                return false;
            }
        }
        return true;
    }

    void begin(int sector, int count, long version) {
        assert isIdle(sector, count);
        Arrays.fill(pending, sector, sector + count, version);
    }

    void acknowledge(int sector, int count) {
        for (int i = sector; i < sector + count; i++) {
            settled[i] = pending[i];
        }
        Arrays.fill(pending, sector, sector + count, NONE);
    }

    /// The content of a range at a version.
    byte[] content(int sector, int count, long version) {
        byte[] bytes = new byte[count * SECTOR_BYTES];
        if (version != 0) {
            for (int i = 0; i < count; i++) {
                stamp(sector + i, version, bytes, i * SECTOR_BYTES);
            }
        }
        return bytes;
    }

    /// Compares what was read with what may be there. A sector that holds what was in flight is
    /// settled by it: from then on it must stay.
    ///
    /// @return what is wrong, empty when nothing is
    String reconcile(int firstSector, byte[] read) {
        StringBuilder wrong = new StringBuilder();
        for (int i = 0; i < read.length / SECTOR_BYTES; i++) {
            int sector = firstSector + i;
            if (matches(sector, settled[sector], read, i)) {
                pending[sector] = NONE;
            } else if (pending[sector] != NONE && matches(sector, pending[sector], read, i)) {
                settled[sector] = pending[sector];
                pending[sector] = NONE;
            } else {
                wrong.append(
                        "sector %d: acknowledged version %d, in flight %d, found %s%n"
                                .formatted(
                                        sector, settled[sector], pending[sector], name(read, i)));
            }
        }
        return wrong.toString();
    }

    private boolean matches(int sector, long version, byte[] read, int index) {
        byte[] expected = content(sector, 1, version);
        int from = index * SECTOR_BYTES;
        return Arrays.equals(expected, 0, SECTOR_BYTES, read, from, from + SECTOR_BYTES);
    }

    private void stamp(int sector, long version, byte[] bytes, int offset) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, SECTOR_BYTES);
        buffer.putLong(salt).putLong(sector).putLong(version);
        SplittableRandom noise = new SplittableRandom(salt + sector * 31L + version * 1_000_003L);
        while (buffer.hasRemaining()) {
            buffer.putLong(noise.nextLong());
        }
    }

    /// What a sector claims to be.
    private String name(byte[] read, int index) {
        ByteBuffer buffer = ByteBuffer.wrap(read, index * SECTOR_BYTES, SECTOR_BYTES);
        long saltRead = buffer.getLong();
        if (saltRead != salt) {
            return "no stamp of ours, first bytes %016x".formatted(saltRead);
        }
        return "stamp of sector %d version %d".formatted(buffer.getLong(), buffer.getLong());
    }
}

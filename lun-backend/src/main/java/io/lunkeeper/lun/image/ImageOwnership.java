package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.FileStatus;
import io.lunkeeper.lun.linux.OpenFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// The exclusive use of an image, and how others learn of it.
///
/// Locks are open file description locks on the bytes that QEMU's file driver uses, so that
/// qemu-img and virtual machines refuse an image served here, and their images are refused here.
/// Their scheme has one byte for each permission twice: a shared lock on byte 100+n says "I use
/// permission n", on byte 200+n "I do not let others use permission n". Everybody first takes their
/// locks and then looks whether anybody else holds a byte that contradicts them; of two who open at
/// once, at least one sees the other. As with QEMU, a reader that is told to put up with a writer
/// (`--force-share`) is let in: reading is the one permission that a writer shares.
///
/// A process-wide register catches the same file opened twice here, by whatever name, and can say
/// by which name.
final class ImageOwnership {
    private static final long USED_BASE = 100;
    private static final long UNSHARED_BASE = 200;

    private static final int CONSISTENT_READ = 1;
    private static final int WRITE = 1 << 1;
    private static final int WRITE_UNCHANGED = 1 << 2;
    private static final int RESIZE = 1 << 3;
    private static final int PERMISSIONS = 4;
    private static final int ALL = CONSISTENT_READ | WRITE | WRITE_UNCHANGED | RESIZE;

    private static final Map<Object, Holding> HOLDINGS = new HashMap<>();

    /// Who in this process uses a file; readers may share it.
    private record Holding(Path image, boolean exclusive, int holders) {}

    private final Object identity;

    private ImageOwnership(Object identity) {
        this.identity = identity;
    }

    /// Takes an open image: alone for writing, together with other readers for reading. The locks
    /// last until the file is closed; [#release] must follow that.
    ///
    /// @throws ImageRefusedException when somebody else uses it; the caller closes the file
    static ImageOwnership take(OpenFile file, FileStatus status, Path image, boolean readOnly)
            throws IOException {
        enter(status.identity(), image, !readOnly);
        ImageOwnership ownership = new ImageOwnership(status.identity());
        boolean locked = false;
        try {
            locked =
                    readOnly
                            ? lock(file, CONSISTENT_READ, WRITE | RESIZE)
                            : lock(file, ALL, ALL & ~CONSISTENT_READ);
        } finally {
            if (!locked) {
                ownership.release();
            }
        }
        if (!locked) {
            throw new ImageRefusedException(
                    "image "
                            + image
                            + " is in use by "
                            + LockHolders.describe(image)
                            + "; stop that first");
        }
        return ownership;
    }

    /// Strikes the image from the register. To be called once, after the file is closed.
    void release() {
        synchronized (HOLDINGS) {
            HOLDINGS.computeIfPresent(
                    identity,
                    (_, held) ->
                            held.holders() == 1
                                    ? null
                                    : new Holding(
                                            held.image(), held.exclusive(), held.holders() - 1));
        }
    }

    private static void enter(Object identity, Path image, boolean exclusive)
            throws ImageRefusedException {
        synchronized (HOLDINGS) {
            Holding held = HOLDINGS.get(identity);
            if (held != null && (exclusive || held.exclusive())) {
                throw new ImageRefusedException(
                        "image "
                                + image
                                + " is served already by another LUN of this process, as "
                                + held.image()
                                + "; give each LUN a file of its own");
            }
            int holders = held == null ? 1 : held.holders() + 1;
            HOLDINGS.put(
                    identity, new Holding(held == null ? image : held.image(), exclusive, holders));
        }
    }

    /// Whether an open file could be taken for writing now; takes nothing.
    static boolean free(OpenFile file) throws IOException {
        return !file.tellsLocks()
                || (unopposed(file, UNSHARED_BASE, ALL)
                        && unopposed(file, USED_BASE, ALL & ~CONSISTENT_READ));
    }

    private static boolean lock(OpenFile file, int used, int unshared) throws IOException {
        if (!file.tellsLocks()) {
            boolean exclusive = (used & WRITE) != 0;
            return file.tryLock(USED_BASE, UNSHARED_BASE + PERMISSIONS - USED_BASE, exclusive);
        }
        return lockBytes(file, USED_BASE, used)
                && lockBytes(file, UNSHARED_BASE, unshared)
                && unopposed(file, UNSHARED_BASE, used)
                && unopposed(file, USED_BASE, unshared);
    }

    private static boolean lockBytes(OpenFile file, long base, int permissions) throws IOException {
        for (int n = 0; n < PERMISSIONS; n++) {
            if ((permissions & 1 << n) != 0 && !file.tryLock(base + n, 1, false)) {
                return false;
            }
        }
        return true;
    }

    private static boolean unopposed(OpenFile file, long base, int permissions) throws IOException {
        for (int n = 0; n < PERMISSIONS; n++) {
            if ((permissions & 1 << n) != 0 && file.lockedElsewhere(base + n, 1)) {
                return false;
            }
        }
        return true;
    }
}

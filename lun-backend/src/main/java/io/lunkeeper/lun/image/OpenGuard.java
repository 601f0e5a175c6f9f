package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.Fanotify;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Notices, and where asked refuses, every open of an image by another program. There is one group
/// of fanotify for the process and one thread that answers; it looks things up in memory and in
/// `/proc`, never in a guarded file.
///
/// What if this process hangs: only those who open a guarded image wait, nobody else on the host,
/// and they can be killed. If it dies, the kernel lets them go on.
final class OpenGuard {
    private static final Logger LOG = LogManager.getLogger(OpenGuard.class);

    /// How long the same process is not named again for the same image.
    private static final long QUIET_NANOS = 10_000_000_000L;

    /// Processes remembered for that.
    private static final int REMEMBERED = 256;

    private static final int MAX_ANCESTORS = 64;

    private static final Fanotify.Answer LET_IN = new Fanotify.Answer(true, () -> {});

    /// Who wants to know of each open.
    @FunctionalInterface
    interface Listener {
        /// Somebody opened a guarded image, or tried to; must not block.
        void tried(boolean refused);
    }

    /// An image and what is to be done about it.
    private record Guarded(Path image, boolean refusing, Listener listener) {}

    private record Named(Object identity, int pid) {}

    private final Fanotify fanotify;
    private final Map<Object, Guarded> images = new ConcurrentHashMap<>();

    /// When a process was last named; confined to the answering thread.
    private final Map<Named, Long> named =
            new LinkedHashMap<>() {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Named, Long> eldest) {
                    return size() > REMEMBERED;
                }
            };

    private OpenGuard(Fanotify fanotify) {
        this.fanotify = fanotify;
    }

    private static final class Shared {
        static final @Nullable OpenGuard GUARD = start();

        private static @Nullable OpenGuard start() {
            Fanotify fanotify = Fanotify.open();
            if (fanotify == null) {
                return null;
            }
            OpenGuard guard = new OpenGuard(fanotify);
            Thread.ofPlatform()
                    .daemon()
                    .name("open guard")
                    .start(() -> fanotify.serve(guard::about));
            return guard;
        }
    }

    /// Guards an image until the answer is run, or answers null where this process may not.
    ///
    /// @param identity of the image's inode
    /// @param self a path that leads to that inode in any case
    static @Nullable Runnable guard(
            Object identity, Path self, Path image, boolean refusing, Listener listener) {
        OpenGuard guard = Shared.GUARD;
        return guard == null ? null : guard.add(identity, self, image, refusing, listener);
    }

    private @Nullable Runnable add(
            Object identity, Path self, Path image, boolean refusing, Listener listener) {
        images.put(identity, new Guarded(image, refusing, listener));
        try {
            fanotify.mark(self, refusing);
        } catch (IOException e) {
            LOG.debug("image {} cannot be guarded", image, e);
            images.remove(identity);
            return null;
        }
        return () -> {
            images.remove(identity);
            try {
                fanotify.unmark(self, refusing);
            } catch (IOException e) {
                LOG.debug("image {} is guarded no more in any case", image, e);
            }
        };
    }

    /// What names the process is looked up before the answer, while it waits; a log that blocks
    /// must hold up nobody, so it is written after.
    private Fanotify.Answer about(Object identity, int pid) {
        Guarded guarded = images.get(identity);
        if (guarded == null || ours(pid)) {
            return LET_IN;
        }
        boolean silent = recently(identity, pid);
        String name = silent ? "" : name(pid);
        return new Fanotify.Answer(
                !guarded.refusing(), () -> report(guarded, silent ? null : name));
    }

    private static void report(Guarded guarded, @Nullable String name) {
        if (name != null && guarded.refusing()) {
            LOG.warn("image {}: refused to {}, which opened it", guarded.image(), name);
        } else if (name != null) {
            LOG.warn(
                    "image {} is served, and {} opened it; what that writes is lost or destroys"
                            + " the disk",
                    guarded.image(),
                    name);
        }
        guarded.listener().tried(guarded.refusing());
    }

    /// Whether it is this process or one that it started.
    private static boolean ours(int pid) {
        long self = ProcessHandle.current().pid();
        long each = pid;
        for (int i = 0; i < MAX_ANCESTORS && each > 0; i++) {
            if (each == self) {
                return true;
            }
            each =
                    ProcessHandle.of(each)
                            .flatMap(ProcessHandle::parent)
                            .map(ProcessHandle::pid)
                            .orElse(0L);
        }
        return false;
    }

    private boolean recently(Object identity, int pid) {
        Named key = new Named(identity, pid);
        long now = System.nanoTime();
        Long last = named.get(key);
        if (last != null && now - last < QUIET_NANOS) {
            return true;
        }
        named.put(key, now);
        return false;
    }

    private static String name(int pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/comm")).strip()
                    + " (pid "
                    + pid
                    + ")";
        } catch (IOException _) {
            return "pid " + pid;
        }
    }
}

package io.lunkeeper.lun.image;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Finds out who holds locks on a file, for a message to an administrator. The kernel does not tell
/// the owner of an open file description lock, but the list of each process's open files in `/proc`
/// does, for processes that this user may look into.
final class LockHolders {
    /// Names at most: the message stays one readable line.
    private static final int LIMIT = 4;

    private LockHolders() {}

    /// The other processes that hold locks on the file, as far as this user may know; empty when
    /// none.
    static String holders(Path file) {
        return processes(file, true);
    }

    /// The other processes that hold locks on the file, in words.
    static String describe(Path file) {
        String holders = holders(file);
        return holders.isEmpty()
                ? "another program, here or on another host, that holds a lock on it"
                : holders;
    }

    /// The other processes that have the file open, as far as this user may know; empty when none.
    static String openers(Path file) {
        return processes(file, false);
    }

    private static String processes(Path file, boolean locking) {
        List<String> holders = new ArrayList<>();
        Path self = Path.of("/proc", String.valueOf(ProcessHandle.current().pid()));
        try (DirectoryStream<Path> processes =
                Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            Path real = file.toRealPath();
            for (Path process : processes) {
                if (holders.size() < LIMIT
                        && !process.equals(self)
                        && has(process, real, locking)) {
                    holders.add(name(process));
                }
            }
        } catch (IOException | DirectoryIteratorException _) {
            // No /proc here: the lock is certain all the same, only its holder stays unnamed.
        }
        return String.join(", ", holders);
    }

    private static boolean has(Path process, Path file, boolean locking) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (isOpen(process, descriptor, file, locking)) {
                    return true;
                }
            }
        } catch (IOException | DirectoryIteratorException _) {
            return false;
        }
        return false;
    }

    private static boolean isOpen(Path process, Path descriptor, Path file, boolean locking) {
        try {
            if (!Files.readSymbolicLink(descriptor).equals(file)) {
                return false;
            }
            if (!locking) {
                return true;
            }
            Path info = process.resolve("fdinfo").resolve(descriptor.getFileName());
            return Files.readAllLines(info).stream().anyMatch(line -> line.startsWith("lock:"));
        } catch (IOException _) {
            return false;
        }
    }

    private static String name(Path process) {
        String pid = process.getFileName() + "";
        try {
            return Files.readString(process.resolve("comm")).strip() + " (pid " + pid + ")";
        } catch (IOException _) {
            return "pid " + pid;
        }
    }
}

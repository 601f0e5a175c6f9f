package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationFile;
import io.lunkeeper.target.login.TargetDirectory.Moved;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Who is told that a target is elsewhere, from the start and when that changes.
final class MovedTargetTest {
    private static final String A = "iqn.2026-11.io.x:a";
    private static final String LUNS = "luns: [{ lun: 0, image: a.img, size: 1MiB }]";

    @TempDir Path directory;

    private Configuration read(String keys) throws Exception {
        String text =
                "portals: [{ listen: \"127.0.0.1:0\" }]\ntargets:\n  - iqn: "
                        + A
                        + "\n    "
                        + keys.replace("\n", "\n    ");
        return ConfigurationFile.read(
                Files.writeString(directory.resolve("x.yaml"), text), Set.of());
    }

    private static PortalDirectory at(ServedTargets targets, String local, int port) {
        return new PortalDirectory(
                targets,
                List.of(),
                new InetSocketAddress(InetAddress.ofLiteral(local), port),
                InetAddress.getLoopbackAddress(),
                1);
    }

    private static void change(ServedTargets targets, Configuration wanted) throws Exception {
        targets.change(
                wanted,
                problem -> {
                    throw new AssertionError(problem);
                });
    }

    @Test
    void initiatorIsToldUnlessItIsThereAlready() throws Exception {
        ServedTargets targets =
                new ServedTargets(
                        read("moved: { to: \"[2001:db8::1]:3260\" }\n" + LUNS), () -> false);
        targets.open();
        Moved there = new Moved("[2001:db8::1]:3260", false);
        assertEquals(there, at(targets, "127.0.0.1", 3260).moved(A));
        assertEquals(there, at(targets, "2001:db8::1", 3261).moved(A));
        assertNull(at(targets, "2001:db8::1", 3260).moved(A));
        assertNull(at(targets, "127.0.0.1", 3260).moved("iqn.2026-11.io.x:b"));
        targets.close();
    }

    @Test
    void targetWithoutDisksIsThereToSendInitiatorsOn() throws Exception {
        ServedTargets targets =
                new ServedTargets(
                        read("moved: { to: \"disks.example:860\", permanent: true }"), () -> false);
        targets.open();
        PortalDirectory directory = at(targets, "127.0.0.1", 3260);
        assertNotNull(directory.demand("iqn.2026-11.io.h:alice", A));
        assertEquals(new Moved("disks.example:860", true), directory.moved(A));
        targets.close();
    }

    @Test
    void targetGoesWithItsDisksAndComesBack() throws Exception {
        ServedTargets targets = new ServedTargets(read(LUNS), () -> false);
        targets.open();
        PortalDirectory directory = at(targets, "127.0.0.1", 3260);
        assertNull(directory.moved(A));
        change(targets, read("moved: { to: \"192.0.2.20:3260\" }"));
        assertEquals(new Moved("192.0.2.20:3260", false), directory.moved(A));
        assertTrue(targets.luns().isEmpty());
        change(targets, read(LUNS));
        assertNull(directory.moved(A));
        assertEquals(1, targets.luns().size());
        targets.close();
    }
}

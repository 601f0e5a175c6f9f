package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// libiscsi's small tools: what they print of a target and its LUNs.
@Tag("libiscsi")
@ExtendWith(ShowServerLog.class)
class LibiscsiToolsTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static final int MAIN = 1;
    private static final int BLOCKS_4K = 2;
    private static final int READ_ONLY = 3;

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void startServer() {
        server =
                ServerProcess.start(
                        Lun.sized(MAIN, "512MiB"),
                        Lun.sized(BLOCKS_4K, "512MiB").withBlockSize(4096),
                        Lun.sized(READ_ONLY, "64MiB").asReadOnly());
    }

    @Test
    void listsTargetAndLuns() {
        String output =
                Tool.of("iscsi-ls", "-s", "iscsi://" + server.portal()).within(LIMIT).succeed();
        assertTrue(
                output.contains("Target:" + ServerProcess.IQN + " Portal:" + server.portal()),
                output);
        for (int lun : List.of(MAIN, BLOCKS_4K, READ_ONLY)) {
            assertTrue(output.contains("Lun:" + lun + " "), output);
        }
        assertTrue(output.contains("Lun:1    Type:DIRECT_ACCESS (Size:511M)"), output);
    }

    @Test
    void describesDisk() {
        String output = inquire();
        assertTrue(output.contains("Peripheral Device Type:DIRECT_ACCESS"), output);
        assertTrue(output.contains("Peripheral Qualifier:CONNECTED"), output);
    }

    @Test
    void readsEveryPageThatItLists() {
        String listed = inquire("-e", "1", "-c", "0");
        List<String> pages =
                Pattern.compile("Page:0x([0-9a-fA-F]+)|\\b0x([0-9a-fA-F]{2})\\b")
                        .matcher(listed)
                        .results()
                        .map(match -> match.group(1) != null ? match.group(1) : match.group(2))
                        .map(page -> page.toLowerCase(Locale.ROOT))
                        .toList();
        // The tool prints the pages it knows; there is no raw form.
        for (String page : List.of("00", "80", "83", "b0", "b1", "b2")) {
            assertTrue(pages.contains(page), listed);
            inquire("-e", "1", "-c", String.valueOf(Integer.parseInt(page, 16)));
        }
    }

    @Test
    void tellsCapacity() {
        assertCapacity(MAIN, (512 << 20) / 512 - 1, 512);
        assertCapacity(BLOCKS_4K, (512 << 20) / 4096 - 1, 4096);
    }

    private static void assertCapacity(int lun, int lastBlock, int blockBytes) {
        String output = Tool.of("iscsi-readcapacity16", server.url(lun)).within(LIMIT).succeed();
        assertTrue(output.contains("RETURNED LOGICAL BLOCK ADDRESS:" + lastBlock + "\n"), output);
        assertTrue(output.contains("LOGICAL BLOCK LENGTH IN BYTES:" + blockBytes + "\n"), output);
    }

    private static String inquire(String... options) {
        String[] command =
                Stream.of(Stream.of("iscsi-inq"), Stream.of(options), Stream.of(server.url(MAIN)))
                        .flatMap(parts -> parts)
                        .toArray(String[]::new);
        return Tool.of(command).within(LIMIT).succeed();
    }
}

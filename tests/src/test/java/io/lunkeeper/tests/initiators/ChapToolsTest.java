package io.lunkeeper.tests.initiators;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.SecretFile;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import io.lunkeeper.tests.rig.Tool;
import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// CHAP as libiscsi's tools and QEMU do it, by users and secrets in the URL.
@Tag("libiscsi")
@ExtendWith(ShowServerLog.class)
class ChapToolsTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String ALICE = "alice%a-secret-of-alice";
    private static final String WRONG = "alice%not-the-secret-of-alice";
    private static final String UNKNOWN = "mallory%a-secret-of-alice";

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void startServer() {
        server =
                ServerProcess.start(
                        "",
                        "auth:\n"
                                + "  - { user: bob, secret-file: "
                                + SecretFile.of("a-secret-of-bob")
                                + " }\n"
                                + "  - { user: alice, secret-file: "
                                + SecretFile.of("a-secret-of-alice")
                                + ", mutual: { user: keeper, secret-file: "
                                + SecretFile.of("a-secret-of-the-target")
                                + " } }",
                        Lun.sized(0, "64MiB"));
    }

    private static String url(String credentials) {
        return server.url(0).replace("iscsi://", "iscsi://" + credentials + "@");
    }

    @Test
    void letsInWhoKnowsTheSecret() {
        Tool.of("iscsi-inq", url(ALICE)).within(LIMIT).succeed();
        Tool.of("iscsi-inq", url("bob%a-secret-of-bob")).within(LIMIT).succeed();
    }

    @Test
    void provesItselfToWhoAsks() {
        String asking = "?target_user=%s&target_password=%s";
        String right = asking.formatted("keeper", "a-secret-of-the-target");
        Tool.of("iscsi-inq", url(ALICE) + right).within(LIMIT).succeed();
        for (String wrong :
                new String[] {
                    asking.formatted("keeper", "another-secret-of-it"),
                    asking.formatted("gatekeeper", "a-secret-of-the-target")
                }) {
            Tool.Outcome turnedAway = Tool.of("iscsi-inq", url(ALICE) + wrong).within(LIMIT).run();
            assertNotEquals(0, turnedAway.exit(), wrong);
            assertFalse(turnedAway.isTimeout(), turnedAway.output());
        }
        assertNotEquals(
                0,
                Tool.of("iscsi-inq", url("bob%a-secret-of-bob") + right)
                        .within(LIMIT)
                        .run()
                        .exit());
    }

    @Test
    void keepsOutWhoDoesNot() {
        for (String credentials : new String[] {WRONG, UNKNOWN}) {
            assertNotEquals(
                    0,
                    Tool.of("iscsi-inq", url(credentials)).within(LIMIT).run().exit(),
                    credentials);
        }
        assertNotEquals(0, Tool.of("iscsi-inq", server.url(0)).within(LIMIT).run().exit());
    }

    @Test
    void isDiscoveredByWhoKnowsTheSecretAlone() {
        String proven =
                Tool.of("iscsi-ls", "iscsi://" + ALICE + "@" + server.portal())
                        .within(LIMIT)
                        .succeed();
        assertTrue(proven.contains("Target:" + ServerProcess.IQN), proven);
        String unproven =
                Tool.of("iscsi-ls", "iscsi://" + server.portal()).within(LIMIT).run().output();
        assertFalse(unproven.contains(ServerProcess.IQN), unproven);
    }

    @Test
    @Tag("qemu")
    void qemuReadsWithTheSecretAndNotWithout() {
        Tool.of("qemu-img", "info", url(ALICE)).within(LIMIT).succeed();
        Tool.Outcome refused = Tool.of("qemu-img", "info", url(WRONG)).within(LIMIT).run();
        assertNotEquals(0, refused.exit(), refused.output());
        assertFalse(refused.isTimeout(), refused.output());
    }
}

package io.lunkeeper.tests.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/// What operating systems ask of a disk, in their order, and what they must hear: the files
/// `replay-*.txt`, each on a LUN of its own. [Replay] explains how they are written.
@ExtendWith(ShowServerLog.class)
class ReplayTest {
    private static final List<String> REPLAYS =
            List.of(
                    "esxi",
                    "esxi-vaai",
                    "windows",
                    "windows-cluster",
                    "linux",
                    "qemu",
                    "windows-odx");

    private static final String SECOND = "second";

    private static final List<RawInitiator> CONNECTED = new ArrayList<>();

    private static ServerProcess server;

    @BeforeAll
    static void start() {
        Lun[] luns = new Lun[REPLAYS.size()];
        for (int lun = 0; lun < luns.length; lun++) {
            luns[lun] = Lun.sized(lun, "1GiB");
        }
        server = ServerProcess.start(luns);
    }

    @AfterAll
    static void stop() throws IOException {
        for (RawInitiator initiator : CONNECTED) {
            initiator.close();
        }
        server.close();
    }

    @TestFactory
    Stream<DynamicNode> replays() {
        return REPLAYS.stream().map(name -> DynamicContainer.dynamicContainer(name, steps(name)));
    }

    /// Steps run one after the other, each knowing what those before it left.
    private static Stream<DynamicTest> steps(String name) {
        int lun = REPLAYS.indexOf(name);
        Map<String, RawInitiator> initiators = new HashMap<>();
        Map<String, String> kept = new HashMap<>();
        DynamicTest login =
                DynamicTest.dynamicTest(
                        "login",
                        () -> {
                            initiators.put("", logIn(name, 1));
                            initiators.put(SECOND, logIn(name, 2));
                            initiators.get(SECOND).clearUnitAttentions(lun);
                        });
        Stream<DynamicTest> steps =
                new Replay(name)
                        .steps().stream()
                                .map(step ->
                                        DynamicTest.dynamicTest(
                                                step.title(),
                                                () -> step.run(lun, initiators, kept)));
        return Stream.concat(Stream.of(login), steps);
    }

    private static RawInitiator logIn(String name, int host) throws IOException {
        RawInitiator initiator =
                RawInitiator.connect(
                        server.address(),
                        new InitiatorSession(
                                "iqn.2026-11.io.lunkeeper.tests:%s%d".formatted(name, host)),
                        0);
        CONNECTED.add(initiator);
        assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
        return initiator;
    }
}

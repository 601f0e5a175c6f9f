package io.lunkeeper.tests.serving;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A disk that comes from another target keeps its identity.
@ExtendWith(ShowServerLog.class)
final class IdentityTest {
    @Test
    void identifiersOfTheConfigurationAreThoseOfTheDisk() throws Exception {
        Lun lun =
                Lun.sized(0, "8MiB")
                        .with("uuid", "123E4567-e89b-42d3-a456-426614174000")
                        .with("eui", "0011223344556677")
                        .with("naa", "6001405a0b1c2d3e4f50617283940a1b");
        String expected =
                "01030010"
                        + "6001405a0b1c2d3e4f50617283940a1b"
                        + ("01020008" + "0011223344556677")
                        + ("010a0012" + "1000" + "123e4567e89b42d3a456426614174000");
        try (ServerProcess server = ServerProcess.start(lun);
                RawInitiator initiator = RawInitiator.connect(server.address())) {
            assertEquals(0, initiator.login(ServerProcess.IQN).statusClass());
            initiator.clearUnitAttentions(0);
            byte[] page = initiator.read(0, Cdb.vitalProductData(0x83, 255), 255).data();
            int length = expected.length() / 2;
            assertEquals(expected, HexFormat.of().formatHex(page, 4, 4 + length));
        }
    }
}

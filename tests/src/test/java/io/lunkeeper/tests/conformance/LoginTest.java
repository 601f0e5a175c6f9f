package io.lunkeeper.tests.conformance;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.initiator.ScsiResult;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// RFC 7143 6.3 Login Phase and 11.13.5 Status-Class and Status-Detail.
@ExtendWith(ShowServerLog.class)
class LoginTest {
    private static final Duration SOON = Duration.ofSeconds(5);
    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(Lun.sized(0, "16MiB"));
    }

    private static RawInitiator connect() throws IOException {
        return RawInitiator.connect(server.address());
    }

    private static int status(Pdu response) {
        assertEquals(Pdu.LOGIN_RESPONSE, response.opcode());
        return response.loginStatus();
    }

    private static Request first(RawInitiator initiator, int csg, int nsg, String... keys) {
        return initiator.loginRequest(csg, nsg, true).keys(keys);
    }

    @Test
    void logsInAndGivesATsih() throws IOException {
        try (RawInitiator initiator = connect()) {
            Pdu response = initiator.login(ServerProcess.IQN);
            assertEquals(0, status(response));
            assertNotEquals(0, response.tsih());
            assertTrue(response.isFinal());
        }
    }

    @Test
    void declaresItsMaxRecvDataSegmentLengthAndPortalGroup() throws IOException {
        try (RawInitiator initiator = connect()) {
            Pdu response =
                    initiator.exchange(
                            first(
                                    initiator,
                                    1,
                                    3,
                                    "InitiatorName=" + initiator.session().initiatorName(),
                                    "TargetName=" + ServerProcess.IQN,
                                    "SessionType=Normal",
                                    "MaxBurstLength=16776192"));
            assertEquals(0, status(response));
            assertEquals("262144", response.keys().get("MaxRecvDataSegmentLength"));
            assertEquals("1", response.keys().get("TargetPortalGroupTag"));
            assertEquals("1048576", response.keys().get("MaxBurstLength"));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "TargetName=iqn.2026-11.io.lunkeeper:test | 0x0207",
                "InitiatorName=iqn.2026-11.a:b | 0x0207",
                "InitiatorName=iqn.2026-11.a:b,TargetName=iqn.2026-11.io.lunkeeper:none | 0x0203",
                "InitiatorName=iqn.2026-11.a:b,TargetName=iqn.2026-11.io.lunkeeper:test,"
                        + "SessionType=Other | 0x0209",
                "InitiatorName=iqn.2026-11.a:b,TargetName=iqn.2026-11.io.lunkeeper:test,"
                        + "AuthMethod=CHAP | 0x0201",
            })
    void refusesWithTheStatusThatFits(String keys, String expected) throws IOException {
        try (RawInitiator initiator = connect()) {
            Pdu response = initiator.exchange(first(initiator, 0, 1, keys.split(",")));
            assertEquals(Integer.decode(expected.strip()), status(response));
            assertTrue(initiator.isClosedWithin(SOON));
        }
    }

    @Test
    void refusesAnUnknownVersion() throws IOException {
        try (RawInitiator initiator = connect()) {
            Request request =
                    first(
                                    initiator,
                                    1,
                                    3,
                                    "InitiatorName=iqn.2026-11.a:b",
                                    "TargetName=" + ServerProcess.IQN)
                            .u8(2, 2)
                            .u8(3, 1);
            assertEquals(0x0205, status(initiator.exchange(request)));
        }
    }

    /// RFC 7143 11.13.1 Version-max, 11.13.2 Version-active: there is version 0 and no other.
    @Test
    void tellsTheSameVersionsInEveryResponse() throws IOException {
        try (RawInitiator initiator = connect()) {
            String name = "InitiatorName=" + initiator.session().initiatorName();
            Request security = first(initiator, 0, 1, name, "TargetName=" + ServerProcess.IQN);
            Request offer = initiator.loginRequest(1, 1, false).keys("MaxBurstLength=65536");
            Request end = initiator.loginRequest(1, 3, true);
            for (Request each : List.of(security, offer, end)) {
                Pdu response = initiator.exchange(each.u8(2, 5));
                assertEquals(0, status(response));
                assertEquals(0, response.u16(2), "Version-max and Version-active");
            }
        }
    }

    @Test
    void refusesToJoinASessionThatDoesNotExist() throws IOException {
        InitiatorSession stranger = new InitiatorSession("iqn.2026-11.a:stranger");
        stranger.tsih(0xfff0);
        try (RawInitiator initiator = RawInitiator.connect(server.address(), stranger, 1)) {
            assertEquals(0x020a, status(initiator.login(ServerProcess.IQN)));
        }
    }

    @Test
    void refusesASecondConnectionOfASession() throws IOException {
        try (RawInitiator one = connect()) {
            one.login(ServerProcess.IQN);
            try (RawInitiator two = RawInitiator.connect(server.address(), one.session(), 2)) {
                assertEquals(0x0206, status(two.login(ServerProcess.IQN)));
            }
        }
    }

    @Test
    void answersUnknownKeysNotUnderstood() throws IOException {
        try (RawInitiator initiator = connect()) {
            Pdu response =
                    initiator.exchange(
                            first(
                                    initiator,
                                    1,
                                    3,
                                    "InitiatorName=" + initiator.session().initiatorName(),
                                    "TargetName=" + ServerProcess.IQN,
                                    "Frobnicate=12",
                                    "X-com.example.key=1"));
            assertEquals("NotUnderstood", response.keys().get("Frobnicate"));
            assertEquals("NotUnderstood", response.keys().get("X-com.example.key"));
            assertEquals(0, status(response));
        }
    }

    @Test
    void gathersTextOverContinuedRequests() throws IOException {
        try (RawInitiator initiator = connect()) {
            Request half =
                    initiator
                            .loginRequest(1, 3, false)
                            .flags(0x40 | 1 << 2)
                            .data("InitiatorName=iqn.2026-11.a:b\0TargetNa".getBytes(US_ASCII));
            Pdu empty = initiator.exchange(half);
            assertEquals(0, empty.dataSegmentLength());
            assertFalse(empty.isFinal());
            Pdu response =
                    initiator.exchange(
                            initiator
                                    .loginRequest(1, 3, true)
                                    .data(("me=" + ServerProcess.IQN + "\0").getBytes(US_ASCII)));
            assertEquals(0, status(response));
            assertTrue(response.isFinal());
        }
    }

    @Test
    void closesOnAnythingButLoginInTheLoginPhase() throws IOException {
        for (Request request :
                new Request[] {
                    Request.nopOut(),
                    Request.scsiCommand(0, Cdb.testUnitReady()),
                    Request.text("SendTargets=All"),
                    Request.logout(0),
                    Request.dataOut(1, 2, 0, 0),
                }) {
            try (RawInitiator initiator = connect()) {
                initiator.send(request);
                assertTrue(initiator.isClosedWithin(SOON));
            }
        }
    }

    @Test
    void refusesALoginThatNeverEndsItsText() throws IOException {
        try (RawInitiator initiator = connect()) {
            byte[] piece = new byte[8000];
            java.util.Arrays.fill(piece, (byte) 'a');
            boolean ended = false;
            for (int i = 0; i < 20 && !ended; i++) {
                initiator.send(initiator.loginRequest(1, 3, false).flags(0x44).data(piece));
                Pdu response = initiator.receive();
                ended = response.statusClass() != 0;
            }
            assertTrue(ended);
            assertTrue(initiator.isClosedWithin(SOON));
        }
    }

    @Test
    void rejectsALoginRequestAfterLogin() throws IOException {
        try (RawInitiator initiator = connect()) {
            initiator.login(ServerProcess.IQN);
            Pdu response = initiator.exchange(initiator.loginRequest(1, 3, true));
            assertEquals(Pdu.REJECT, response.opcode());
            assertEquals(0x04, response.response());
        }
    }

    @ParameterizedTest
    @CsvSource({"None, CRC32C", "CRC32C, None", "CRC32C, CRC32C"})
    void protectsBothDirectionsByDigests(String header, String data) throws IOException {
        try (RawInitiator initiator = connect()) {
            initiator.login(ServerProcess.IQN, "HeaderDigest=" + header, "DataDigest=" + data);
            assertEquals(header, initiator.negotiated().get("HeaderDigest"));
            assertEquals(data, initiator.negotiated().get("DataDigest"));
            initiator.clearUnitAttentions(0);
            byte[] block = new byte[4096 - 512];
            new java.util.Random(7).nextBytes(block);
            assertEquals(ScsiResult.GOOD, initiator.write(0, Cdb.write10(64, 7), block).status());
            ScsiResult read = initiator.read(0, Cdb.read10(64, 7), block.length);
            org.junit.jupiter.api.Assertions.assertArrayEquals(block, read.data());
        }
    }
}

package io.lunkeeper.target.login;

import static io.lunkeeper.target.login.Logins.ALICE;
import static io.lunkeeper.target.login.Logins.BOB;
import static io.lunkeeper.target.login.Logins.DISCOVERY;
import static io.lunkeeper.target.login.Logins.INTRODUCTION;
import static io.lunkeeper.target.login.Logins.VM1;
import static io.lunkeeper.target.login.Logins.VM2;
import static io.lunkeeper.target.login.Logins.pairs;
import static io.lunkeeper.target.login.Logins.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LoginNegotiationTest {
    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;
    private static final int FULL_FEATURE = 3;
    private static final String GROUP = "TargetPortalGroupTag=7";
    private static final String SEGMENT = "MaxRecvDataSegmentLength=262144";

    private final LoginNegotiation login = Logins.negotiation();

    // ---- stages

    @Test
    void goesThroughBothStages() {
        LoginReply security =
                login.receive(request(SECURITY, OPERATIONAL, INTRODUCTION + ";AuthMethod=None"));
        assertReply(security, true, SECURITY, OPERATIONAL, GROUP + ";AuthMethod=None");
        assertNull(login.parameters());
        LoginReply operational = login.receive(request(OPERATIONAL, FULL_FEATURE, ""));
        assertReply(operational, true, OPERATIONAL, FULL_FEATURE, SEGMENT);
        assertEquals(defaults(262144), login.parameters());
    }

    @Test
    void beginsWithOperationalNegotiationWhenTheInitiatorDoes() {
        LoginReply reply = login.receive(request(OPERATIONAL, FULL_FEATURE, INTRODUCTION));
        assertReply(reply, true, OPERATIONAL, FULL_FEATURE, GROUP + ";" + SEGMENT);
        assertEquals(defaults(262144), login.parameters());
    }

    @Test
    void keepsTheDefaultsWhenOperationalNegotiationIsSkipped() {
        LoginReply reply =
                login.receive(request(SECURITY, FULL_FEATURE, INTRODUCTION + ";AuthMethod=None"));
        assertReply(reply, true, SECURITY, FULL_FEATURE, GROUP + ";AuthMethod=None");
        assertEquals(defaults(8192), login.parameters());
    }

    /// At the end, when it is known who asks.
    @Test
    void declaresTheAliasOfATargetThatHasOne() {
        String introduction = "InitiatorName=" + ALICE + ";TargetName=" + VM2;
        assertReply(
                login.receive(request(SECURITY, OPERATIONAL, introduction)),
                true,
                SECURITY,
                OPERATIONAL,
                GROUP);
        assertReply(
                login.receive(request(OPERATIONAL, FULL_FEATURE, "")),
                true,
                OPERATIONAL,
                FULL_FEATURE,
                SEGMENT + ";TargetAlias=Mail & \u90f5\u4fbf");
    }

    @Test
    void staysUntilTheInitiatorWantsToGoOn() {
        LoginReply first = login.receive(request(SECURITY, SECURITY, INTRODUCTION));
        assertReply(first, false, SECURITY, 0, GROUP);
        assertReply(
                login.receive(request(SECURITY, OPERATIONAL, "")), true, SECURITY, OPERATIONAL, "");
        assertReply(
                login.receive(request(OPERATIONAL, OPERATIONAL, "MaxBurstLength=512")),
                false,
                OPERATIONAL,
                0,
                "MaxBurstLength=512;" + SEGMENT);
        assertReply(
                login.receive(request(OPERATIONAL, FULL_FEATURE, "")),
                true,
                OPERATIONAL,
                FULL_FEATURE,
                "");
        assertNotNull(login.parameters());
    }

    @ParameterizedTest
    @CsvSource({"0, 2", "1, 2", "2, 3", "3, 3", "1, 0", "2, 2", "3, 0"})
    void refusesStagesThatDoNotExistOrLieBehind(int stage, int next) {
        LoginRequest asked = request(stage, next, INTRODUCTION);
        assertRefused(0x0200, login.receive(asked));
    }

    @Test
    void refusesATransitionToTheSameStage() {
        LoginRequest same =
                new LoginRequest(
                        true, false, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, Logins.text(INTRODUCTION));
        assertRefused(0x0200, login.receive(same));
    }

    @Test
    void ignoresTheNextStageWithoutTransition() {
        LoginRequest staying =
                new LoginRequest(
                        false, false, 0, 2, 0, 0, 0, 0, 1, 0, 1, 0, Logins.text(INTRODUCTION));
        assertReply(login.receive(staying), false, SECURITY, 0, GROUP);
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 0", "0, 0, 1", "1, 1, 0", "0, 1, 3"})
    void refusesAStageThatIsNotAtHand(int stage, int next, int afterwards) {
        login.receive(request(stage, next, INTRODUCTION));
        assertRefused(0x0200, login.receive(request(afterwards, afterwards, "")));
    }

    @ParameterizedTest
    @CsvSource({"0, 0, true", "255, 0, true", "1, 1, false", "255, 255, false", "0, 1, false"})
    void speaksVersionZeroOnly(int most, int least, boolean spoken) {
        LoginRequest asked =
                new LoginRequest(
                        true,
                        false,
                        1,
                        3,
                        most,
                        least,
                        0,
                        0,
                        1,
                        0,
                        1,
                        0,
                        Logins.text(INTRODUCTION));
        LoginReply reply = login.receive(asked);
        if (spoken) {
            assertEquals(0, reply.statusClass());
        } else {
            assertRefused(0x0205, reply);
        }
    }

    // ---- text over several PDUs

    @Test
    void gathersTextThatRunsOn() {
        ByteBuf whole = Logins.text(INTRODUCTION + ";MaxBurstLength=65536");
        int length = whole.readableBytes();
        for (int cut = 0; cut <= length; cut++) {
            LoginNegotiation fresh = Logins.negotiation();
            ByteBuf head = whole.slice(0, cut);
            assertReply(
                    fresh.receive(request(OPERATIONAL, OPERATIONAL, true, head)),
                    false,
                    OPERATIONAL,
                    0,
                    "");
            LoginReply reply =
                    fresh.receive(
                            request(
                                    OPERATIONAL,
                                    FULL_FEATURE,
                                    false,
                                    whole.slice(cut, length - cut)));
            assertReply(
                    reply,
                    true,
                    OPERATIONAL,
                    FULL_FEATURE,
                    GROUP + ";MaxBurstLength=65536;" + SEGMENT);
        }
    }

    @Test
    void refusesTextThatRunsOnAndTransits() {
        LoginRequest both = request(OPERATIONAL, FULL_FEATURE, true, Logins.text(INTRODUCTION));
        assertRefused(0x0200, login.receive(both));
    }

    @Test
    void refusesAnotherStageInMidText() {
        login.receive(request(SECURITY, SECURITY, true, Logins.text("InitiatorName=x")));
        assertRefused(0x0200, login.receive(request(OPERATIONAL, FULL_FEATURE, "")));
    }

    @Test
    void boundsTheTextOfOneLogin() {
        ByteBuf piece = Unpooled.wrappedBuffer(new byte[8192]);
        for (int count = 0; count < 2; count++) {
            LoginReply reply =
                    login.receive(request(OPERATIONAL, OPERATIONAL, true, piece.slice()));
            assertReply(reply, false, OPERATIONAL, 0, "");
        }
        assertRefused(
                0x0200, login.receive(request(OPERATIONAL, OPERATIONAL, true, piece.slice(0, 1))));
    }

    /// Each is remembered until the login ends.
    @Test
    void boundsTheKeysOfOneLogin() {
        assertEquals(
                0, login.receive(request(OPERATIONAL, OPERATIONAL, INTRODUCTION)).statusClass());
        for (int count = 0; count < 98; count++) {
            LoginReply reply =
                    login.receive(request(OPERATIONAL, OPERATIONAL, "X-" + count + "=1"));
            assertReply(reply, false, OPERATIONAL, 0, "X-" + count + "=NotUnderstood");
        }
        assertRefused(0x0200, login.receive(request(OPERATIONAL, OPERATIONAL, "X-98=1")));
    }

    @Test
    void refusesMalformedText() {
        ByteBuf noNul = Unpooled.wrappedBuffer("A=1".getBytes(StandardCharsets.US_ASCII));
        assertRefused(0x0200, login.receive(request(OPERATIONAL, FULL_FEATURE, false, noNul)));
    }

    @Test
    void answersTheLongestLegalTextInOnePdu() {
        StringBuilder text = new StringBuilder(INTRODUCTION);
        for (int index = 0; index < 98; index++) {
            text.append(";X-").append("%061d".formatted(index).substring(0, 61)).append("=");
        }
        String keys = text.toString();
        LoginReply reply = Logins.negotiation().receive(request(OPERATIONAL, FULL_FEATURE, keys));
        assertEquals(0, reply.statusClass());
        int bytes = reply.text().getBytes(StandardCharsets.UTF_8).length;
        assertTrue(bytes > 7000 && bytes <= 8192, "bytes: " + bytes);
    }

    // ---- who and what

    @ParameterizedTest
    @CsvSource({
        "0x0207, ''",
        "0x0207, SessionType=Discovery",
        "0x0207, TargetName=" + VM1,
        "0x0207, InitiatorName=" + ALICE,
        "0x0207, InitiatorName=" + ALICE + ";SessionType=Normal",
        "0x0200, InitiatorName=alice;TargetName=" + VM1,
        "0x0200, InitiatorName=;TargetName=" + VM1,
        "0x0209, " + INTRODUCTION + ";SessionType=Boot",
        "0x0203, InitiatorName=" + ALICE + ";TargetName=iqn.2026-11.io.lunkeeper:none",
        "0x0203, InitiatorName=" + ALICE + ";TargetName=vm1",
        "0x0203, InitiatorName=" + BOB + ";TargetName=" + VM2,
    })
    void refusesWhoMayNotLogIn(String status, String text) {
        assertRefused(Integer.decode(status), login.receive(request(SECURITY, OPERATIONAL, text)));
        assertRefused(
                Integer.decode(status),
                Logins.negotiation().receive(request(OPERATIONAL, FULL_FEATURE, text)));
    }

    @Test
    void findsTargetsByTheirNormalizedName() {
        login.receive(
                request(
                        OPERATIONAL,
                        FULL_FEATURE,
                        "InitiatorName=IQN.1993-08.ORG.Debian:01:ALICE;InitiatorAlias=Al;"
                                + "TargetName=IQN.2026-11.io.Lunkeeper:VM2;SessionType=Normal"));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(ALICE, parameters.initiatorName());
        assertEquals("Al", parameters.initiatorAlias());
        assertEquals(VM2, parameters.targetName());
    }

    @Test
    void takesTheSameNamesAgainInTheNextStage() {
        login.receive(request(SECURITY, OPERATIONAL, INTRODUCTION + ";SessionType=Normal"));
        LoginReply reply =
                login.receive(
                        request(OPERATIONAL, FULL_FEATURE, INTRODUCTION + ";SessionType=Normal"));
        assertReply(reply, true, OPERATIONAL, FULL_FEATURE, SEGMENT);
    }

    @ParameterizedTest
    @CsvSource({
        "InitiatorName=" + BOB,
        "TargetName=" + VM2,
        "SessionType=Discovery",
        "SessionType=Nonsense",
    })
    void refusesOtherNamesInTheNextStage(String text) {
        login.receive(request(SECURITY, OPERATIONAL, INTRODUCTION + ";SessionType=Normal"));
        assertRefused(0x0200, login.receive(request(OPERATIONAL, FULL_FEATURE, text)));
    }

    @Test
    void refusesToBecomeADiscoverySessionLater() {
        login.receive(request(SECURITY, OPERATIONAL, INTRODUCTION));
        assertRefused(
                0x0200, login.receive(request(OPERATIONAL, FULL_FEATURE, "SessionType=Discovery")));
    }

    @Test
    void opensDiscoverySessions() {
        LoginReply reply =
                login.receive(
                        request(
                                OPERATIONAL,
                                FULL_FEATURE,
                                DISCOVERY
                                        + ";MaxConnections=4;InitialR2T=No;ImmediateData=Yes;"
                                        + "MaxBurstLength=512;FirstBurstLength=512;"
                                        + "MaxOutstandingR2T=2;DataPDUInOrder=Yes;"
                                        + "DataSequenceInOrder=Yes;TaskReporting=RFC3720;"
                                        + "iSCSIProtocolLevel=1;ErrorRecoveryLevel=2;"
                                        + "DefaultTime2Wait=5;DefaultTime2Retain=5;"
                                        + "HeaderDigest=CRC32C"));
        assertReply(
                reply,
                true,
                OPERATIONAL,
                FULL_FEATURE,
                "MaxConnections=Irrelevant;InitialR2T=Irrelevant;ImmediateData=Irrelevant;"
                        + "MaxBurstLength=Irrelevant;FirstBurstLength=Irrelevant;"
                        + "MaxOutstandingR2T=Irrelevant;DataPDUInOrder=Irrelevant;"
                        + "DataSequenceInOrder=Irrelevant;TaskReporting=Irrelevant;"
                        + "iSCSIProtocolLevel=Irrelevant;ErrorRecoveryLevel=0;"
                        + "DefaultTime2Wait=5;DefaultTime2Retain=0;HeaderDigest=CRC32C;"
                        + SEGMENT);
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertTrue(parameters.discovery());
        assertEquals("", parameters.targetName());
        assertEquals(1, parameters.maxConnections());
        assertEquals(0, parameters.errorRecoveryLevel());
    }

    // ---- authentication

    @ParameterizedTest
    @CsvSource({
        "None, true",
        "'CHAP,None', true",
        "'None,CHAP', true",
        "'KRB5,SRP,CHAP,None', true",
        "CHAP, false",
        "'CHAP,KRB5', false",
        "none, false",
        "'', false",
    })
    void agreesOnNoAuthenticationOrRefuses(String methods, boolean agreed) {
        LoginReply reply =
                login.receive(
                        request(SECURITY, OPERATIONAL, INTRODUCTION + ";AuthMethod=" + methods));
        if (agreed) {
            assertReply(reply, true, SECURITY, OPERATIONAL, GROUP + ";AuthMethod=None");
        } else {
            assertRefused(0x0201, reply);
        }
    }

    // ---- keys that come where or as they must not

    @ParameterizedTest
    @CsvSource({
        "0, HeaderDigest=None",
        "0, MaxRecvDataSegmentLength=8192",
        "0, MaxBurstLength=65536",
        "0, IFMarker=No",
        "1, AuthMethod=None",
        "0, SendTargets=All",
        "1, SendTargets=All",
        "0, TargetAddress=10.0.0.1",
        "1, TargetAlias=x",
        "1, TargetPortalGroupTag=1",
        "1, MaxBurstLength=512;MaxBurstLength=512",
        "1, X-a=1;X-a=1",
        "1, InitiatorAlias=a;InitiatorAlias=a",
        "1, MaxRecvDataSegmentLength=511",
        "1, MaxRecvDataSegmentLength=16777216",
        "1, MaxRecvDataSegmentLength=x",
        "1, MaxBurstLength=Reject",
        "1, ErrorRecoveryLevel=NotUnderstood",
        "1, InitialR2T=Irrelevant",
    })
    void refusesKeysOutOfPlace(int stage, String text) {
        LoginRequest asked = request(stage, stage, INTRODUCTION + ";" + text);
        assertRefused(0x0200, login.receive(asked));
    }

    @Test
    void refusesAKeyThatWasNegotiatedBefore() {
        String burst = "MaxBurstLength=512";
        login.receive(request(OPERATIONAL, OPERATIONAL, INTRODUCTION + ";" + burst));
        assertRefused(0x0200, login.receive(request(OPERATIONAL, FULL_FEATURE, burst)));
    }

    @Test
    void letsTheInitiatorNotUnderstandADeclaration() {
        login.receive(request(OPERATIONAL, OPERATIONAL, INTRODUCTION));
        LoginReply reply =
                login.receive(
                        request(
                                OPERATIONAL,
                                OPERATIONAL,
                                "TargetPortalGroupTag=NotUnderstood;"
                                        + "MaxRecvDataSegmentLength=Irrelevant;X-a=NotUnderstood"));
        assertReply(reply, false, OPERATIONAL, 0, "");
        login.receive(request(OPERATIONAL, FULL_FEATURE, "MaxRecvDataSegmentLength=1024"));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(1024, parameters.initiatorMaxRecvDataSegmentLength());
    }

    @Test
    void doesNotUnderstandUnknownKeys() {
        LoginReply reply =
                login.receive(
                        request(
                                OPERATIONAL,
                                OPERATIONAL,
                                INTRODUCTION + ";X-com.example=1;RDMAExtensions=Yes;Z=" + "z,z"));
        assertReply(
                reply,
                false,
                OPERATIONAL,
                0,
                GROUP
                        + ";X-com.example=NotUnderstood;RDMAExtensions=NotUnderstood;"
                        + "Z=NotUnderstood;"
                        + SEGMENT);
    }

    // ---- what initiators send

    @Test
    void logsOpenIscsiIn() {
        LoginReply security =
                login.receive(
                        request(
                                SECURITY,
                                OPERATIONAL,
                                "InitiatorName="
                                        + ALICE
                                        + ";InitiatorAlias=host;TargetName="
                                        + VM1
                                        + ";SessionType=Normal;AuthMethod=None"));
        assertReply(security, true, SECURITY, OPERATIONAL, GROUP + ";AuthMethod=None");
        LoginReply operational =
                login.receive(
                        request(
                                OPERATIONAL,
                                FULL_FEATURE,
                                "HeaderDigest=None;DataDigest=None;DefaultTime2Wait=2;"
                                        + "DefaultTime2Retain=0;IFMarker=No;OFMarker=No;"
                                        + "ErrorRecoveryLevel=0;InitialR2T=No;ImmediateData=Yes;"
                                        + "MaxBurstLength=16776192;FirstBurstLength=262144;"
                                        + "MaxOutstandingR2T=1;MaxConnections=1;"
                                        + "DataPDUInOrder=Yes;DataSequenceInOrder=Yes;"
                                        + "MaxRecvDataSegmentLength=262144"));
        assertReply(
                operational,
                true,
                OPERATIONAL,
                FULL_FEATURE,
                "HeaderDigest=None;DataDigest=None;DefaultTime2Wait=2;DefaultTime2Retain=0;"
                        + "IFMarker=No;OFMarker=No;ErrorRecoveryLevel=0;InitialR2T=No;"
                        + "ImmediateData=Yes;MaxBurstLength=1048576;FirstBurstLength=262144;"
                        + "MaxOutstandingR2T=1;MaxConnections=1;DataPDUInOrder=Yes;"
                        + "DataSequenceInOrder=Yes;"
                        + SEGMENT);
        assertEquals(
                new SessionParameters(
                        ALICE, "host", VM1, List.of(), false, false, false, 1, false, true, 262144,
                        262144, 1048576, 262144, 2, 0, 1, 0, 1, false),
                login.parameters());
    }

    @Test
    void logsLibiscsiIn() {
        String names =
                "InitiatorName="
                        + ALICE
                        + ";InitiatorAlias=;TargetName="
                        + VM1
                        + ";SessionType=Normal";
        LoginReply security =
                login.receive(request(SECURITY, OPERATIONAL, names + ";AuthMethod=CHAP,None"));
        assertReply(security, true, SECURITY, OPERATIONAL, GROUP + ";AuthMethod=None");
        LoginReply operational =
                login.receive(
                        request(
                                OPERATIONAL,
                                FULL_FEATURE,
                                names
                                        + ";HeaderDigest=None,CRC32C;DataDigest=None;InitialR2T=No;"
                                        + "ImmediateData=Yes;MaxBurstLength=262144;"
                                        + "FirstBurstLength=262144;"
                                        + "MaxRecvDataSegmentLength=262144;DataPDUInOrder=Yes;"
                                        + "DefaultTime2Wait=2;DefaultTime2Retain=0;IFMarker=No;"
                                        + "OFMarker=No;MaxConnections=1;MaxOutstandingR2T=1;"
                                        + "ErrorRecoveryLevel=0;DataSequenceInOrder=Yes"));
        assertEquals(0, operational.statusClass());
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(262144, parameters.maxBurstLength());
        assertEquals(262144, parameters.firstBurstLength());
        assertEquals(false, parameters.initialR2t());
        assertEquals(false, parameters.headerDigest());
    }

    @Test
    void declaresTheGroupInDiscoveryThatNamesATarget() {
        String named = DISCOVERY + ";TargetName=iqn.2026-01.x:y";
        LoginReply reply = login.receive(request(SECURITY, OPERATIONAL, named));
        assertReply(reply, true, SECURITY, OPERATIONAL, GROUP);
    }

    @Test
    void logsLibiscsiInStraightToOperationalNegotiation() {
        LoginReply reply =
                login.receive(
                        request(
                                OPERATIONAL,
                                FULL_FEATURE,
                                DISCOVERY
                                        + ";HeaderDigest=None;DataDigest=None;InitialR2T=Yes;"
                                        + "MaxRecvDataSegmentLength=262144"));
        assertReply(
                reply,
                true,
                OPERATIONAL,
                FULL_FEATURE,
                "HeaderDigest=None;DataDigest=None;InitialR2T=Irrelevant;" + SEGMENT);
    }

    @Test
    void logsAnInitiatorWithHexadecimalNumbersAndDigestsIn() {
        login.receive(
                request(
                        OPERATIONAL,
                        FULL_FEATURE,
                        INTRODUCTION
                                + ";HeaderDigest=CRC32C,None;DataDigest=CRC32C;"
                                + "MaxRecvDataSegmentLength=0x10000;MaxBurstLength=0X1000"));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertTrue(parameters.headerDigest());
        assertTrue(parameters.dataDigest());
        assertEquals(65536, parameters.initiatorMaxRecvDataSegmentLength());
        assertEquals(4096, parameters.maxBurstLength());
        assertEquals(4096, parameters.firstBurstLength(), "never above MaxBurstLength");
    }

    private static SessionParameters defaults(int targetMaxRecvDataSegmentLength) {
        return new SessionParameters(
                ALICE,
                "",
                VM1,
                List.of(),
                false,
                false,
                false,
                1,
                true,
                true,
                8192,
                targetMaxRecvDataSegmentLength,
                262144,
                65536,
                2,
                20,
                1,
                0,
                1,
                false);
    }

    private static void assertReply(
            LoginReply reply, boolean transit, int stage, int next, String text) {
        assertEquals(text, pairs(reply.text()));
        assertEquals(new LoginReply(transit, false, stage, next, 0, 0, reply.text()), reply);
    }

    private void assertRefused(int status, LoginReply reply) {
        assertEquals(new LoginReply(false, false, 0, 0, status >> 8, status & 0xff, ""), reply);
        assertNull(login.parameters());
    }
}

package io.lunkeeper.target.login;

import static io.lunkeeper.target.login.Logins.INTRODUCTION;
import static io.lunkeeper.target.login.Logins.pairs;
import static io.lunkeeper.target.login.Logins.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;
import org.junit.jupiter.params.provider.CsvSource;

/// One offer, one answer: RFC 7143 section 13, against limits that differ from every default.
final class OperationalNegotiationTest {
    private static final NegotiationLimits LIMITS =
            new NegotiationLimits(65536, 524288, 131072, 16, 4, 1);

    @ParameterizedTest
    @CsvFileSource(resources = "offers.txt", delimiter = '|')
    void answersEveryOfferByItsRule(String offer, String answer) {
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, LIMITS);
        login.receive(request(1, 1, INTRODUCTION));
        assertEquals(answer, pairs(login.receive(request(1, 1, offer)).text()));
    }

    /// RFC 7143 section 12 has it not among the keys of the security stage; nothing depends on it.
    @ParameterizedTest
    @CsvSource({"0", "1"})
    void passesOverTheNodeArchitecture(int stage) {
        LoginReply reply =
                Logins.negotiation()
                        .receive(request(stage, 3, INTRODUCTION + ";X#NodeArchitecture=Debian"));
        assertTrue(reply.transit());
        assertFalse(reply.text().contains("NodeArchitecture"), reply.text());
    }

    @ParameterizedTest
    @CsvSource({
        "MaxBurstLength=1, 262144, 65536",
        "MaxBurstLength=1024, 1024, 1024",
        "FirstBurstLength=1, 262144, 65536",
        "FirstBurstLength=70000, 262144, 70000",
        "InitialR2T=Yes;ImmediateData=No;FirstBurstLength=512, 262144, 65536",
    })
    void leavesTheDefaultWhereNothingIsAgreed(String offer, int burst, int firstBurst) {
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, LIMITS);
        login.receive(request(1, 3, INTRODUCTION + ";" + offer));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(burst, parameters.maxBurstLength());
        assertEquals(firstBurst, parameters.firstBurstLength());
    }

    /// Several connections, or responses fenced off from each other.
    @Test
    void hasOneConnectionWhereReportingWasAgreedOnFirst() {
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, LIMITS);
        login.receive(request(1, 1, INTRODUCTION + ";TaskReporting=ResponseFence"));
        assertEquals(
                "MaxConnections=1", pairs(login.receive(request(1, 1, "MaxConnections=4")).text()));
    }

    /// 13.19 DataSequenceInOrder: in one text ErrorRecoveryLevel goes before, in whatever order
    /// they are offered; of two texts the first decides.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MaxOutstandingR2T=8;ErrorRecoveryLevel=1|''|1|1",
                "ErrorRecoveryLevel=1;MaxOutstandingR2T=8|''|1|1",
                "DataSequenceInOrder=No;MaxOutstandingR2T=8;ErrorRecoveryLevel=2|''|1|1",
                "ErrorRecoveryLevel=1|MaxOutstandingR2T=8|1|1",
                "MaxOutstandingR2T=8|ErrorRecoveryLevel=1|8|0",
                "MaxOutstandingR2T=1|ErrorRecoveryLevel=1|1|1",
                "MaxOutstandingR2T=0|ErrorRecoveryLevel=1|1|1",
                "ErrorRecoveryLevel=1|''|1|1",
                "MaxOutstandingR2T=8;ErrorRecoveryLevel=0|''|8|0",
                "ErrorRecoveryLevel=0|MaxOutstandingR2T=8|8|0",
                "MaxOutstandingR2T=8|''|8|0",
            })
    void asksForOneBurstAtATimeWhereItRecovers(String one, String other, int r2ts, int level) {
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, LIMITS);
        login.receive(request(1, 1, INTRODUCTION));
        String told =
                login.receive(request(1, 1, one)).text()
                        + login.receive(request(1, 3, other)).text();
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(r2ts, parameters.maxOutstandingR2t());
        assertEquals(level, parameters.errorRecoveryLevel());
        List<String> answers = List.of(pairs(told).split(";"));
        assertEquals(
                (one + other).contains("ErrorRecoveryLevel"),
                answers.contains("ErrorRecoveryLevel=" + level));
        assertEquals(
                (one + other).matches(".*MaxOutstandingR2T=[1-9].*"),
                answers.contains("MaxOutstandingR2T=" + r2ts));
    }

    /// RFC 7143 section 13, use LO: Leading Only. What is the connection's own is negotiated.
    @Test
    void negotiatesNothingOfTheSessionOnAFurtherConnection() {
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, LIMITS);
        login.receive(request(7, 1, 1, INTRODUCTION));
        assertEquals(
                "MaxConnections=Irrelevant;ErrorRecoveryLevel=Irrelevant;InitialR2T=Irrelevant;"
                        + "TaskReporting=Irrelevant;HeaderDigest=CRC32C",
                pairs(
                        login.receive(
                                        request(
                                                7,
                                                1,
                                                3,
                                                "MaxConnections=4;ErrorRecoveryLevel=2;InitialR2T=No;"
                                                        + "TaskReporting=FastAbort;HeaderDigest=CRC32C;"
                                                        + "MaxRecvDataSegmentLength=4096"))
                                .text()));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(4096, parameters.initiatorMaxRecvDataSegmentLength());
    }

    /// A session is kept at every level.
    @ParameterizedTest
    @CsvSource({"0, 15", "1, 15", "2, 15"})
    void retainsSessionsForTheShorterTime(int level, int seconds) {
        NegotiationLimits limits = new NegotiationLimits(65536, 524288, 131072, 16, 4, level);
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, limits);
        login.receive(request(1, 3, INTRODUCTION + ";DefaultTime2Retain=15"));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(seconds, parameters.defaultTime2Retain());
    }

    /// What was lost on a connection is sent again, and connections are recovered.
    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "2, 2"})
    void agreesOnTheRecoveryThatIsAskedFor(int offered, int agreed) {
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, NegotiationLimits.DEFAULT);
        login.receive(request(1, 1, INTRODUCTION));
        String answer = login.receive(request(1, 1, "ErrorRecoveryLevel=" + offered)).text();
        assertEquals("ErrorRecoveryLevel=" + agreed, pairs(answer));
    }
}

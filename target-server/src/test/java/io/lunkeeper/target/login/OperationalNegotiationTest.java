package io.lunkeeper.target.login;

import static io.lunkeeper.target.login.Logins.INTRODUCTION;
import static io.lunkeeper.target.login.Logins.pairs;
import static io.lunkeeper.target.login.Logins.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// One offer, one answer: RFC 7143 section 13, against limits that differ from every default.
final class OperationalNegotiationTest {
    private static final NegotiationLimits LIMITS =
            new NegotiationLimits(65536, 524288, 131072, 16, 4, 1);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "HeaderDigest=None|HeaderDigest=None",
                "HeaderDigest=CRC32C|HeaderDigest=CRC32C",
                "HeaderDigest=None,CRC32C|HeaderDigest=None",
                "HeaderDigest=CRC32C,None|HeaderDigest=CRC32C",
                "HeaderDigest=X-md5,CRC32C|HeaderDigest=CRC32C",
                "HeaderDigest=CRC-32C|HeaderDigest=Reject",
                "HeaderDigest=|HeaderDigest=Reject",
                "HeaderDigest=[|HeaderDigest=Reject",
                "HeaderDigest=,,None|HeaderDigest=None",
                "DataDigest=CRC32C,None|DataDigest=CRC32C",
                "MaxConnections=1|MaxConnections=1",
                "MaxConnections=65535|MaxConnections=4",
                "MaxConnections=0|MaxConnections=Reject",
                "MaxConnections=65536|MaxConnections=Reject",
                "InitialR2T=Yes|InitialR2T=Yes",
                "InitialR2T=No|InitialR2T=No",
                "InitialR2T=yes|InitialR2T=Reject",
                "ImmediateData=Yes|ImmediateData=Yes",
                "ImmediateData=No|ImmediateData=No",
                "ImmediateData=1|ImmediateData=Reject",
                "MaxBurstLength=262144|MaxBurstLength=262144",
                "MaxBurstLength=16777215|MaxBurstLength=524288",
                "MaxBurstLength=512|MaxBurstLength=512",
                "MaxBurstLength=511|MaxBurstLength=Reject",
                "MaxBurstLength=16777216|MaxBurstLength=Reject",
                "MaxBurstLength=-1|MaxBurstLength=Reject",
                "MaxBurstLength=+512|MaxBurstLength=Reject",
                "MaxBurstLength=0512|MaxBurstLength=Reject",
                "MaxBurstLength= 512|MaxBurstLength=Reject",
                "MaxBurstLength=|MaxBurstLength=Reject",
                "MaxBurstLength=0x|MaxBurstLength=Reject",
                "MaxBurstLength=0x200|MaxBurstLength=512",
                "MaxBurstLength=0X000200|MaxBurstLength=512",
                "MaxBurstLength=0xfFfFfF|MaxBurstLength=524288",
                "MaxBurstLength=0x1000000|MaxBurstLength=Reject",
                "MaxBurstLength=18446744073709552128|MaxBurstLength=Reject",
                "MaxBurstLength=512~1024|MaxBurstLength=Reject",
                "MaxBurstLength=\u0665\u0661\u0662|MaxBurstLength=Reject",
                "FirstBurstLength=16777215|FirstBurstLength=131072",
                "FirstBurstLength=65536|FirstBurstLength=65536",
                "FirstBurstLength=65536;MaxBurstLength=1024"
                        + "|FirstBurstLength=1024;MaxBurstLength=1024",
                "FirstBurstLength=65536;ImmediateData=No;InitialR2T=Yes"
                        + "|FirstBurstLength=Irrelevant;ImmediateData=No;InitialR2T=Yes",
                "FirstBurstLength=65536;ImmediateData=No;InitialR2T=No"
                        + "|FirstBurstLength=65536;ImmediateData=No;InitialR2T=No",
                "FirstBurstLength=65536;ImmediateData=Yes;InitialR2T=Yes"
                        + "|FirstBurstLength=65536;ImmediateData=Yes;InitialR2T=Yes",
                "DefaultTime2Wait=0|DefaultTime2Wait=2",
                "DefaultTime2Wait=3600|DefaultTime2Wait=3600",
                "DefaultTime2Wait=3601|DefaultTime2Wait=Reject",
                "DefaultTime2Retain=20|DefaultTime2Retain=0",
                "DefaultTime2Retain=3601|DefaultTime2Retain=Reject",
                "MaxOutstandingR2T=1|MaxOutstandingR2T=1",
                "MaxOutstandingR2T=65535|MaxOutstandingR2T=16",
                "MaxOutstandingR2T=0|MaxOutstandingR2T=Reject",
                "DataPDUInOrder=Yes|DataPDUInOrder=Yes",
                "DataPDUInOrder=No|DataPDUInOrder=Yes",
                "DataPDUInOrder=Maybe|DataPDUInOrder=Reject",
                "DataSequenceInOrder=No|DataSequenceInOrder=Yes",
                "ErrorRecoveryLevel=0|ErrorRecoveryLevel=0",
                "ErrorRecoveryLevel=2|ErrorRecoveryLevel=1",
                "ErrorRecoveryLevel=3|ErrorRecoveryLevel=Reject",
                "TaskReporting=RFC3720|TaskReporting=RFC3720",
                "TaskReporting=FastAbort,ResponseFence,RFC3720|TaskReporting=RFC3720",
                "TaskReporting=FastAbort|TaskReporting=Reject",
                "iSCSIProtocolLevel=0|iSCSIProtocolLevel=0",
                "iSCSIProtocolLevel=2|iSCSIProtocolLevel=1",
                "iSCSIProtocolLevel=31|iSCSIProtocolLevel=1",
                "iSCSIProtocolLevel=32|iSCSIProtocolLevel=Reject",
                "IFMarker=No|IFMarker=No",
                "IFMarker=Yes|IFMarker=No",
                "OFMarker=Yes|OFMarker=No",
                "IFMarkInt=2048~8192|IFMarkInt=Reject",
                "OFMarkInt=1~65535|OFMarkInt=Reject",
                "X#NodeArchitecture=Debian|''",
                "InitiatorAlias=me|''",
                "MaxRecvDataSegmentLength=512|''",
                "MaxRecvDataSegmentLength=16777215|''",
            })
    void answersEveryOfferByItsRule(String offer, String answer) {
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, LIMITS);
        login.receive(request(1, 1, INTRODUCTION));
        assertEquals(answer, pairs(login.receive(request(1, 1, offer)).text()));
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

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 0", "2, 15"})
    void retainsTasksOnlyWhereConnectionsAreRecovered(int level, int seconds) {
        NegotiationLimits limits = new NegotiationLimits(65536, 524288, 131072, 16, 4, level);
        LoginNegotiation login = new LoginNegotiation(Logins.DIRECTORY, limits);
        login.receive(request(1, 3, INTRODUCTION + ";DefaultTime2Retain=15"));
        SessionParameters parameters = login.parameters();
        assertNotNull(parameters);
        assertEquals(seconds, parameters.defaultTime2Retain());
    }
}

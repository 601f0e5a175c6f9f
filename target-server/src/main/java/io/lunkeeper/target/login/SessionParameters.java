package io.lunkeeper.target.login;

import java.util.List;

/// What login agreed on, used until the session ends (RFC 7143 section 13). Lengths in bytes, times
/// in seconds.
///
/// @param initiatorName the initiator's iSCSI name, in its normalized form
/// @param initiatorAlias as declared, or empty
/// @param targetName the target's name; empty for a discovery session
/// @param proven the accounts that the initiator has proven; none where none had to be
/// @param discovery whether this is a discovery session (13.21 SessionType)
/// @param initiatorMaxRecvDataSegmentLength what we may put in one Data-In (13.12)
/// @param targetMaxRecvDataSegmentLength what we declared ourselves
/// @param protocolLevel 0 RFC 3720, 1 RFC 7143, 2 RFC 7144 too (13.24 iSCSIProtocolLevel)
/// @param fastAbort whether 13.23 TaskReporting is FastAbort. RFC3720 and ResponseFence are the
///   same here: with one connection, responses are in order anyway (4.2.2.3.3 Response Fence), and
///   with several it is RFC3720
public record SessionParameters(
        String initiatorName,
        String initiatorAlias,
        String targetName,
        List<ChapAccount> proven,
        boolean discovery,
        boolean headerDigest,
        boolean dataDigest,
        int maxConnections,
        boolean initialR2t,
        boolean immediateData,
        int initiatorMaxRecvDataSegmentLength,
        int targetMaxRecvDataSegmentLength,
        int maxBurstLength,
        int firstBurstLength,
        int defaultTime2Wait,
        int defaultTime2Retain,
        int maxOutstandingR2t,
        int errorRecoveryLevel,
        int protocolLevel,
        boolean fastAbort) {}

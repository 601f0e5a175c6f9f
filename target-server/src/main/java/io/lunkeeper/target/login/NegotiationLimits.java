package io.lunkeeper.target.login;

/// What this target offers in negotiation. Lengths in bytes.
///
/// @param maxRecvDataSegmentLength declared for the full-feature phase, 512 to 2^24 - 1
/// @param maxBurstLength 512 to 2^24 - 1
/// @param firstBurstLength 512 to `maxBurstLength`
/// @param maxOutstandingR2t 1 to 65535, at ErrorRecoveryLevel 0; above that it is 1 (13.19
///   DataSequenceInOrder)
/// @param maxConnections of one session, 1 to 65535
/// @param errorRecoveryLevel 0 recovery of sessions, 1 within a connection too, 2 of connections
///   too
public record NegotiationLimits(
        int maxRecvDataSegmentLength,
        int maxBurstLength,
        int firstBurstLength,
        int maxOutstandingR2t,
        int maxConnections,
        int errorRecoveryLevel) {

    /// 256 KiB segments, 1 MiB bursts: large enough that headers cost nothing, small enough that a
    /// buffer stays in the processor's cache.
    public static final NegotiationLimits DEFAULT =
            new NegotiationLimits(256 << 10, 1 << 20, 256 << 10, 8, 8, 2);
}

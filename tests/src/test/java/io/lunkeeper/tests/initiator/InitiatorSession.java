package io.lunkeeper.tests.initiator;

import java.util.Map;

/// What the connections of one session share on the initiator's side: its name, its ISID and TSIH,
/// CmdSN and task tags. One thread at a time.
public final class InitiatorSession {
    /// The name that tests use unless they care.
    public static final String DEFAULT_NAME = "iqn.2026-11.io.lunkeeper.tests:initiator";

    private static int nextQualifier = 1;

    private final String initiatorName;
    private final long isid;
    private int tsih;
    private int nextCmdSn = 1;
    private int nextTag = 1;
    private Map<String, String> negotiated = Map.of();

    /// A session with a fresh ISID (RFC 7143 11.12.5 ISID, random format).
    public InitiatorSession(String initiatorName) {
        this(initiatorName, 0x80_000000_0000L | freshQualifier());
    }

    /// A session with this ISID, six bytes of it.
    public InitiatorSession(String initiatorName, long isid) {
        this.initiatorName = initiatorName;
        this.isid = isid;
    }

    private static synchronized int freshQualifier() {
        return nextQualifier++ & 0xffff;
    }

    public String initiatorName() {
        return initiatorName;
    }

    public long isid() {
        return isid;
    }

    /// Zero until the first login has ended.
    public int tsih() {
        return tsih;
    }

    /// Sets the TSIH that the next login request carries.
    public void tsih(int tsih) {
        this.tsih = tsih;
    }

    /// CmdSN of the next command that is not immediate.
    public int nextCmdSn() {
        return nextCmdSn;
    }

    /// Sets CmdSN of the next command.
    public void nextCmdSn(int cmdSn) {
        nextCmdSn = cmdSn;
    }

    /// What the leading login settled; further connections settle only what is their own.
    Map<String, String> negotiated() {
        return negotiated;
    }

    void negotiated(Map<String, String> settled) {
        negotiated = settled;
    }

    int takeTag() {
        return nextTag++;
    }
}

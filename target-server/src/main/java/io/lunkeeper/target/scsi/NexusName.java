package io.lunkeeper.target.scsi;

/// What tells an I_T nexus of a target from every other (RFC 7143 4.4.2 SCSI Architecture Model):
/// an initiator that comes through two portal groups has two.
///
/// @param initiatorPort the name of the initiator port ([Nexus#portName])
/// @param targetPort the relative target port identifier, 1 to 65535: the portal group tag
record NexusName(String initiatorPort, int targetPort) {
    static final int MAX_TARGET_PORT = 0xffff;

    /// Both names as the I_T nexus identifier has them, without that of the target.
    @Override
    public String toString() {
        return "%s,t,0x%04x".formatted(initiatorPort, targetPort);
    }
}

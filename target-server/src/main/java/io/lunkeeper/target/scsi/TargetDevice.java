package io.lunkeeper.target.scsi;

import java.util.List;

/// A SCSI target device and its target ports (RFC 7143 4.4.2 SCSI Architecture Model): an iSCSI
/// target, and its portal groups.
///
/// @param name the iSCSI name: the seed of every identifier that is reported
/// @param ports the relative target port identifiers, each 1 to 65535: the portal group tags;
///   ascending, each once, whatever order they are given in
public record TargetDevice(String name, List<Integer> ports) {
    /// How many ports there may be: TARGET PORT COUNT of REPORT TARGET PORT GROUPS has 8 bits
    /// (SPC-4 6.37 REPORT TARGET PORT GROUPS command).
    public static final int MAX_PORTS = 255;

    /// Sorts the ports.
    public TargetDevice {
        ports = ports.stream().distinct().sorted().toList();
        assert !ports.isEmpty() && ports.size() <= MAX_PORTS : ports;
        assert ports.getFirst() > 0 && ports.getLast() <= NexusName.MAX_TARGET_PORT : ports;
    }

    /// The name of a target port.
    String portName(int port) {
        return "%s,t,0x%04x".formatted(name, port);
    }
}

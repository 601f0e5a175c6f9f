package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The one target port group of a target, with all of its ports: in which state it is for all
/// logical units, and the commands that ask for it and set it (SPC-4 5.16.2 Asymmetric logical unit
/// access). A change is a single indivisible event; commands that have begun go on to their end.
/// What was set by a command lives as long as the target, or until a power on. Safe from any
/// thread.
final class TargetPortGroup {
    private static final Logger LOG = LogManager.getLogger(TargetPortGroup.class);

    // PARAMETER DATA FORMAT of REPORT TARGET PORT GROUPS.
    private static final int LENGTH_ONLY = 0;
    private static final int EXTENDED = 1;

    /// U_SUP, S_SUP, AN_SUP and AO_SUP.
    private static final int STATES_SUPPORTED = 0x0f;

    // STATUS CODE.
    private static final int NEVER_CHANGED = 0x00;
    private static final int CHANGED_BY_COMMAND = 0x01;
    private static final int CHANGED_IMPLICITLY = 0x02;

    private static final short IDENTIFIER = DeviceIdentification.TARGET_PORT_GROUP;

    // REPORT TARGET PORT GROUPS parameter data.
    private static final int EXTENDED_HEADER_BYTES = 8;
    private static final int GROUP_BYTES = 8;
    private static final int PORT_BYTES = 4;

    // SET TARGET PORT GROUPS parameter list: a header and the descriptor of the one group.
    private static final int LIST_BYTES = 8;
    private static final int STATE_BYTE = 4;
    private static final int GROUP_BYTE = 6;

    private final DeviceServer server;

    /// Guarded by this.
    private AccessState configured;

    private volatile Standing now;

    /// @param statusCode how it came to that
    private record Standing(AccessState state, int statusCode) {}

    /// A group in the state that the configuration has for it.
    TargetPortGroup(DeviceServer server, AccessState configured) {
        this.server = server;
        this.configured = configured;
        this.now = new Standing(configured, NEVER_CHANGED);
    }

    AccessState state() {
        return now.state();
    }

    /// Takes over what the configuration says, when that is another state than it said before.
    synchronized void configure(AccessState state) {
        if (configured != state) {
            configured = state;
            change(state, null, null);
        }
    }

    /// Power on: the state is the configured one, and nobody has changed it.
    synchronized void powerOn() {
        now = new Standing(configured, NEVER_CHANGED);
    }

    /// Whoever set the state knows it of the unit that it asked; of all others it is told as
    /// everybody is (SPC-4 5.16.2.5 Transitions between target port asymmetric access states).
    ///
    /// @param by whose command it was; null: none
    /// @param asked the unit that the command was for
    private synchronized void change(
            AccessState state, @Nullable Nexus by, @Nullable LogicalUnit asked) {
        if (now.state() == state) {
            return;
        }
        now = new Standing(state, by == null ? CHANGED_IMPLICITLY : CHANGED_BY_COMMAND);
        LOG.info(
                "{}: access state {}, set by {}",
                server.targetName(),
                state,
                by == null ? "the configuration" : by);
        for (LogicalUnit each : server.logicalUnits()) {
            server.tellOthers(
                    each == asked ? by : null,
                    each,
                    PendingCondition.ASYMMETRIC_ACCESS_STATE_CHANGED);
        }
    }

    /// SPC-4 6.37 REPORT TARGET PORT GROUPS command. A change takes no time, so no time is reported
    /// after which it has failed.
    Outcome report(LogicalUnit unit, Cdb.ReportTargetPortGroups cdb) {
        int ports = server.ports().size();
        int descriptorBytes = GROUP_BYTES + ports * PORT_BYTES;
        ByteBuffer groups = ByteBuffer.allocate(EXTENDED_HEADER_BYTES + descriptorBytes);
        switch (cdb.format()) {
            case LENGTH_ONLY -> groups.putInt(descriptorBytes);
            case EXTENDED -> groups.putInt(Integer.BYTES + descriptorBytes).putInt(EXTENDED << 28);
            default -> {
                return unit.refuse(Sense.invalidFieldInCdb(1, 7));
            }
        }
        Standing standing = now;
        groups.put((byte) standing.state().code()).put((byte) STATES_SUPPORTED);
        groups.putShort(IDENTIFIER).put((byte) 0).put((byte) standing.statusCode());
        groups.put((byte) 0).put((byte) ports);
        server.ports().forEach(port -> groups.putShort((short) 0).putShort(port.shortValue()));
        byte[] data = new byte[groups.flip().remaining()];
        groups.get(data);
        return Parameters.cut(data, cdb.allocationLength());
    }

    /// SPC-4 6.45 SET TARGET PORT GROUPS command.
    Outcome set(Nexus nexus, LogicalUnit unit, Cdb.SetTargetPortGroups cdb) {
        if (cdb.parameterListLength() == 0) {
            return Outcome.Status.GOOD;
        }
        if (cdb.parameterListLength() != LIST_BYTES) {
            return unit.refuse(Sense.invalidFieldInCdb(6));
        }
        return new Outcome.ReceiveParameters(
                LIST_BYTES,
                (list, announcedBytes) ->
                        announcedBytes < LIST_BYTES
                                ? unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT)
                                : received(nexus, unit, list));
    }

    private Outcome received(Nexus nexus, LogicalUnit unit, ByteBuf list) {
        int start = list.readerIndex();
        AccessState state = AccessState.of(list.getUnsignedByte(start + STATE_BYTE));
        if (state == null) {
            return unit.refuse(Sense.invalidFieldInParameterList(STATE_BYTE));
        }
        if (list.getShort(start + GROUP_BYTE) != IDENTIFIER) {
            return unit.refuse(Sense.invalidFieldInParameterList(GROUP_BYTE));
        }
        change(state, nexus, unit);
        return Outcome.Status.GOOD;
    }
}

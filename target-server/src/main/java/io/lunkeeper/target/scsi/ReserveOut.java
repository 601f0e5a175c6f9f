package io.lunkeeper.target.scsi;

import io.lunkeeper.target.scsi.ReservationRequest.Action;
import io.lunkeeper.target.scsi.ReservationRules.Verdict;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// PERSISTENT RESERVE OUT (SPC-4 6.16 PERSISTENT RESERVE OUT command): from its parameters to what
/// comes of it.
final class ReserveOut {
    // Where the fields of the parameter list are (SPC-4 6.16.3 Basic PERSISTENT RESERVE OUT
    // parameter list, 6.16.4 Parameter list for REGISTER AND MOVE).
    static final int KEY_BYTE = 0;
    static final int NEW_KEY_BYTE = 8;
    static final int FLAGS_BYTE = 20;
    static final int TRANSPORT_ID_BYTE = 24;
    private static final int MOVE_FLAGS_BYTE = 17;
    private static final int MOVE_PORT_BYTE = 18;
    private static final int MOVE_LENGTH_BYTE = 20;
    private static final int LIST_LENGTH_BYTE = 24;
    private static final int BASIC_BYTES = 24;

    private static final int SPEC_I_PT = 0x08;
    private static final int ALL_TG_PT = 0x04;
    private static final int APTPL = 0x01;
    private static final int UNREG = 0x02;

    private final DeviceServer server;
    private final Nexus nexus;
    private final LogicalUnit unit;
    private final Cdb.PersistentReserveOut cdb;

    private ReserveOut(
            DeviceServer server, Nexus nexus, LogicalUnit unit, Cdb.PersistentReserveOut cdb) {
        this.server = server;
        this.nexus = nexus;
        this.unit = unit;
        this.cdb = cdb;
    }

    static Outcome begin(
            DeviceServer server, Nexus nexus, LogicalUnit unit, Cdb.PersistentReserveOut cdb) {
        if (unit.reserved()) {
            return LogicalUnit.reservationConflict();
        }
        long length = cdb.parameterListLength();
        if (length < BASIC_BYTES || length > DeviceServer.MAX_PARAMETER_LIST_BYTES) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        ReserveOut command = new ReserveOut(server, nexus, unit, cdb);
        return new Outcome.ReceiveParameters((int) length, command::received);
    }

    private Outcome received(ByteBuf parameters, long announcedBytes) {
        if (announcedBytes < cdb.parameterListLength()) {
            return unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        }
        ReservationRequest request;
        try {
            request =
                    cdb.action() == Action.REGISTER_AND_MOVE
                            ? moving(parameters)
                            : basic(parameters);
        } catch (Refusal refusal) {
            return unit.refuse(refusal.sense);
        }
        return new Outcome.Blocking(() -> carryOut(request));
    }

    /// A parameter list that cannot be obeyed.
    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1;

        final transient Sense sense;

        Refusal(Sense sense) {
            super(null, null, false, false);
            this.sense = sense;
        }

        static Refusal field(int index) {
            return new Refusal(Sense.invalidFieldInParameterList(index));
        }
    }

    private ReservationRequest basic(ByteBuf parameters) throws Refusal {
        int start = parameters.readerIndex();
        int flags = parameters.getUnsignedByte(start + FLAGS_BYTE);
        boolean registers =
                switch (cdb.action()) {
                    case REGISTER, REGISTER_AND_IGNORE_EXISTING_KEY, REPLACE_LOST_RESERVATION ->
                            true;
                    default -> false;
                };
        boolean others = (flags & SPEC_I_PT) != 0;
        if ((flags & ~(SPEC_I_PT | ALL_TG_PT | APTPL)) != 0
                || (others && cdb.action() != Action.REGISTER)) {
            throw Refusal.field(FLAGS_BYTE);
        }
        if (!others && parameters.readableBytes() != BASIC_BYTES) {
            throw new Refusal(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        List<Integer> ports =
                (flags & ALL_TG_PT) != 0 && mayBeEverywhere(cdb.action())
                        ? server.ports()
                        : List.of(nexus.name().targetPort());
        List<NexusName> elsewhere = through(ports, List.of(nexus.name().initiatorPort()));
        elsewhere.remove(nexus.name());
        return new ReservationRequest(
                cdb.action(),
                nexus.name(),
                elsewhere,
                parameters.getLong(start),
                parameters.getLong(start + NEW_KEY_BYTE),
                cdb.scope(),
                cdb.type(),
                registers && (flags & APTPL) != 0,
                false,
                others ? through(ports, transportIds(parameters)) : List.of());
    }

    /// The actions that heed ALL_TG_PT (SPC-4 6.16.3).
    private static boolean mayBeEverywhere(Action action) {
        return action == Action.REGISTER || action == Action.REGISTER_AND_IGNORE_EXISTING_KEY;
    }

    /// The nexuses of initiator ports through target ports, unless there are more than can be
    /// registered.
    private static List<NexusName> through(List<Integer> ports, List<String> initiatorPorts)
            throws Refusal {
        if (ports.size() * initiatorPorts.size() > ReservationRules.MAX_REGISTRATIONS) {
            throw new Refusal(Sense.INSUFFICIENT_REGISTRATION_RESOURCES);
        }
        List<NexusName> names = new ArrayList<>();
        for (String each : initiatorPorts) {
            ports.forEach(port -> names.add(new NexusName(each, port)));
        }
        return names;
    }

    /// SPC-4 6.16.3: the initiator ports of TransportIDs, with a length before them.
    private List<String> transportIds(ByteBuf parameters) throws Refusal {
        int first = LIST_LENGTH_BYTE + Integer.BYTES;
        if (parameters.readableBytes() < first
                || parameters.getUnsignedInt(parameters.readerIndex() + LIST_LENGTH_BYTE)
                        != parameters.readableBytes() - first) {
            throw new Refusal(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        List<String> ports = new ArrayList<>();
        for (int at = first; at < parameters.readableBytes(); ) {
            int here = at;
            TransportId id = transportId(parameters, at).orElseThrow(() -> Refusal.field(here));
            List<String> named = id.port() ? List.of(id.name()) : server.portsOf(id);
            if (named.isEmpty() || ports.stream().anyMatch(named::contains)) {
                throw Refusal.field(at);
            }
            ports.addAll(named);
            at += id.lengthBytes();
        }
        return ports;
    }

    private static Optional<TransportId> transportId(ByteBuf parameters, int at) {
        return TransportId.parse(
                parameters.slice(parameters.readerIndex() + at, parameters.readableBytes() - at));
    }

    private ReservationRequest moving(ByteBuf parameters) throws Refusal {
        int start = parameters.readerIndex();
        int flags = parameters.getUnsignedByte(start + MOVE_FLAGS_BYTE);
        if ((flags & ~(UNREG | APTPL)) != 0) {
            throw Refusal.field(MOVE_FLAGS_BYTE);
        }
        int port = parameters.getUnsignedShort(start + MOVE_PORT_BYTE);
        if (!server.ports().contains(port)) {
            throw Refusal.field(MOVE_PORT_BYTE);
        }
        if (parameters.getUnsignedInt(start + MOVE_LENGTH_BYTE)
                != parameters.readableBytes() - BASIC_BYTES) {
            throw new Refusal(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        TransportId to =
                transportId(parameters, TRANSPORT_ID_BYTE)
                        .filter(TransportId::port)
                        .orElseThrow(() -> Refusal.field(TRANSPORT_ID_BYTE));
        return new ReservationRequest(
                cdb.action(),
                nexus.name(),
                List.of(),
                parameters.getLong(start),
                parameters.getLong(start + NEW_KEY_BYTE),
                cdb.scope(),
                cdb.type(),
                (flags & APTPL) != 0,
                (flags & UNREG) != 0,
                List.of(new NexusName(to.name(), port)));
    }

    /// SPC-4 5.13.11.2.6 Preempting and aborting: the ACA conditions of who is preempted end, and
    /// all of them where that is everybody.
    private boolean relieves(ReservationRequest request, Set<NexusName> preempted, Nexus faulted) {
        boolean itself = faulted == nexus && request.newKey() == request.key();
        return request.newKey() == 0 || itself || preempted.contains(faulted.name());
    }

    private Outcome carryOut(ReservationRequest request) throws IOException {
        return switch (unit.reservations().change(request)) {
            case Verdict.Conflict _ -> LogicalUnit.reservationConflict();
            case Verdict.Refused(Sense sense) -> unit.refuse(sense);
            case Verdict.Done done -> {
                server.tell(unit, done.told());
                yield cdb.action() == Action.PREEMPT_AND_ABORT
                        ? server.abortTasksOf(
                                unit,
                                done.preempted(),
                                faulted -> relieves(request, done.preempted(), faulted))
                        : Outcome.Status.GOOD;
            }
        };
    }
}

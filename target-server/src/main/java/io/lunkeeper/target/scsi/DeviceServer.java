package io.lunkeeper.target.scsi;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.lun.LunBackend;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.LongPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The device server of one SCSI target device: takes a command for one of its logical units and
/// says what comes of it. Safe from any thread; commands of one [Nexus] come from one thread.
public final class DeviceServer {

    /// The longest parameter list a command may bring: bounds the memory of one task.
    public static final int MAX_PARAMETER_LIST_BYTES = 64 << 10;

    /// A LUN field that no logical unit has.
    public static final long NO_UNIT = -1;

    private final TargetDevice device;
    private volatile UnitInventory inventory = UnitInventory.EMPTY;
    private volatile TaskAborter aborter = (_, _, _, whenEnded) -> whenEnded.run();
    private final Set<Nexus> nexuses = ConcurrentHashMap.newKeySet();
    private final ThirdPartyCopies copies;
    private final TargetPortGroup portGroup;
    private final AutoContingentAllegiance allegiance = new AutoContingentAllegiance(this);
    private final UnaddressedCommands unaddressed = new UnaddressedCommands(this);

    /// A device server without logical units.
    ///
    /// @param accessState the state that its target ports are configured to begin in
    public DeviceServer(TargetDevice device, AccessState accessState) {
        this.device = device;
        this.copies = new ThirdPartyCopies(this);
        this.portGroup = new TargetPortGroup(this, accessState);
    }

    /// A device server for the units given, with target port 1.
    ///
    /// @param targetName the iSCSI name of the target: the seed of every identifier it reports
    /// @param units its logical units, each under a LUN of its own
    /// @throws IOException when it cannot be told what is kept of one of them
    public DeviceServer(String targetName, List<LogicalUnitSpec> units) throws IOException {
        this(new TargetDevice(targetName, List.of(1)), AccessState.ACTIVE_OPTIMIZED);
        for (LogicalUnitSpec each : units) {
            add(each);
        }
    }

    /// Brings a logical unit in. Every nexus is told: at the new one of its power on (SAM-5 6.3.1),
    /// which says that nothing is left of what was there under this number before, and at all
    /// others that the inventory has changed (SPC-4 6.33 REPORT LUNS command). May block; one
    /// logical unit comes or goes at a time.
    ///
    /// @param spec under a LUN that is free: [#forget] has been called for whoever had it before
    /// @throws IOException when it cannot be told what is kept of it; nothing has changed
    public void add(LogicalUnitSpec spec) throws IOException {
        assert spec.lun() >= 0 && spec.lun() <= LunField.MAX_NUMBER : spec;
        UnitInventory before = inventory;
        LogicalUnit unit =
                new LogicalUnit(device, before.freeIndex(), spec, new TaskOrder(this::taskHolders));
        synchronized (this) {
            nexuses.forEach(nexus -> nexus.begin(unit.index()));
            inventory = inventory.with(unit);
        }
        tellOfInventory(unit, before);
        spec.backend().listen(new BackendTidings(this, unit.index()));
    }

    /// Whether nobody knows who has reserved the logical unit of a number, and nobody has access.
    public boolean reservationsLost(int number) {
        LogicalUnit unit = inventory.numbered(number);
        return unit != null && unit.reservations().now().lost();
    }

    /// Takes a logical unit out: commands do not find it any more, its tasks are aborted, and every
    /// nexus is told at all others. Whoever waits for one of its tasks hears that there is no such
    /// logical unit, so that it need not find out by a timeout. Does not wait; one logical unit
    /// comes or goes at a time.
    ///
    /// @param number the LUN, 0 to 16383, one that this server has
    /// @param whenAtRest called once, from any thread, when nothing touches the backend any more;
    ///   close it then, and call [#forget]
    public void remove(int number, Runnable whenAtRest) {
        LogicalUnit unit = requireNonNull(inventory.numbered(number));
        synchronized (this) {
            inventory = inventory.withdrawing(number);
        }
        tellOfInventory(unit, inventory);
        copies.removed(unit);
        aborter.abort(
                lun -> inventory.known(lun) == unit,
                _ -> true,
                unit.refuse(Sense.LOGICAL_UNIT_NOT_SUPPORTED),
                () -> whenCopiesRest(whenAtRest));
        allegiance.clear(unit);
    }

    /// Frees the number of a logical unit that was removed and whose backend is closed. From any
    /// thread.
    public synchronized void forget(int number) {
        inventory = inventory.without(number);
    }

    /// Tells those who see what has come or gone, at each of the others.
    private void tellOfInventory(LogicalUnit changed, UnitInventory others) {
        for (Nexus nexus : nexuses) {
            if (nexus.luns().shows(changed)) {
                for (LogicalUnit each : others.units()) {
                    nexus.pending(each.index())
                            .post(PendingCondition.REPORTED_LUNS_DATA_HAS_CHANGED);
                }
            }
        }
    }

    /// Tells nexuses. Who is not there will be told of a power on when it comes.
    void tell(LogicalUnit unit, Map<NexusName, PendingCondition> conditions) {
        for (Nexus nexus : nexuses) {
            PendingCondition condition = conditions.get(nexus.name());
            if (condition != null) {
                nexus.pending(unit.index()).post(condition);
            }
        }
    }

    /// The logical units that a nexus can address: those that it may copy from and to.
    List<LogicalUnit> addressableBy(Nexus nexus) {
        return nexuses.contains(nexus) ? inventory.units(nexus.luns()) : List.of();
    }

    /// Why a nexus may not carry out an operation now on a unit that it could address before.
    ///
    /// @return null when it may
    Outcome.@Nullable Status refusalNow(Nexus nexus, LogicalUnit unit, OperationCode operation) {
        boolean addressed = nexuses.contains(nexus) && inventory.numbered(unit.number()) == unit;
        return addressed
                ? refusal(nexus, unit, operation)
                : unit.refuse(Sense.LOGICAL_UNIT_NOT_SUPPORTED);
    }

    /// The ports of an initiator device that have a nexus with this target, through whichever port
    /// of it.
    List<String> portsOf(TransportId initiator) {
        return nexuses.stream()
                .map(nexus -> nexus.name().initiatorPort())
                .filter(initiator::names)
                .distinct()
                .sorted()
                .toList();
    }

    /// Aborts the tasks of some nexuses, and goes on when they have come to rest.
    ///
    /// @param relieved whose ACA conditions end then
    Outcome abortTasksOf(LogicalUnit unit, Set<NexusName> names, Predicate<Nexus> relieved) {
        Predicate<Nexus> which = nexus -> names.contains(nexus.name());
        return new Outcome.Awaiting(then -> {
            copies.abort(which, unit);
            aborter.abort(
                    lun -> inventory.known(lun) == unit,
                    which,
                    unit.mode().tasks().abortedStatus() ? LogicalUnit.taskAborted() : null,
                    () ->
                            whenCopiesRest(() -> {
                                allegiance.clear(unit, relieved);
                                then.resume(Outcome.Status.GOOD);
                            }));
        });
    }

    /// The ACA conditions of its logical units.
    public AutoContingentAllegiance allegiance() {
        return allegiance;
    }

    UnitInventory inventory() {
        return inventory;
    }

    /// Ends the copies of a nexus that go on after their status; its tasks have ended. Goes on when
    /// nothing of them runs any more: at once, or on an I/O thread, which must not be blocked.
    public void endCopies(Nexus nexus, Runnable whenEnded) {
        copies.abort(nexus, whenEnded);
    }

    /// Goes on when no piece of a copy runs any more that had begun before: those of tasks that are
    /// addressed to other logical units, too. At once, or on an I/O thread, which must not be
    /// blocked.
    public void whenCopiesRest(Runnable then) {
        copies.whenAtRest(then);
    }

    /// Who can abort the tasks of any nexus.
    @FunctionalInterface
    public interface TaskAborter {
        /// Aborts tasks and does not wait for it.
        ///
        /// @param units the LUN fields of the logical unit whose tasks are meant
        /// @param nexuses whose they are
        /// @param answer what their initiators are told; null: nothing
        /// @param whenEnded called once, from any thread, when nothing of them runs any more
        void abort(
                LongPredicate units,
                Predicate<Nexus> nexuses,
                Outcome.@Nullable Status answer,
                Runnable whenEnded);
    }

    /// Says who aborts tasks; without, there are none.
    public void abortsTasksBy(TaskAborter able) {
        aborter = able;
    }

    /// Who has tasks.
    List<TaskHolder> taskHolders() {
        return nexuses.stream().map(Nexus::tasks).filter(Objects::nonNull).toList();
    }

    /// Whether some task of another nexus may have to be waited for, or may have to wait for a
    /// SIMPLE one: false nearly always, at the cost of one volatile read.
    public boolean ordersTasks(long lun) {
        LogicalUnit unit = inventory.present(lun);
        return unit != null && !unit.taskSet().plain();
    }

    /// The order that a new task is subject to: that of the whole logical unit or that of its
    /// nexus, as TST says. Where TST was changed, the order of before is kept until no ORDERED and
    /// no HEAD OF QUEUE task is in it. On the thread of the nexus.
    ///
    /// @return null when there is no such logical unit
    public @Nullable TaskOrder taskOrder(Nexus nexus, long lun) {
        LogicalUnit unit = inventory.present(lun);
        if (unit == null) {
            return null;
        }
        TaskOrder own = nexus.ownTaskSet(unit);
        TaskOrder whole = unit.taskSet();
        return unit.mode().tasks().separate()
                ? whole.plain() ? own : whole
                : own.plain() ? whole : own;
    }

    /// Whether `order` may be that of the tasks of a nexus for a logical unit. On the thread of the
    /// nexus.
    public boolean governs(TaskOrder order, Nexus nexus, long lun) {
        LogicalUnit unit = inventory.known(lun);
        return unit != null && (order == unit.taskSet() || order == nexus.ownTaskSet(unit));
    }

    /// How the logical unit manages its tasks.
    public TaskControl taskControl(long lun) {
        LogicalUnit unit = inventory.known(lun);
        return unit == null ? TaskControl.DEFAULT : unit.mode().tasks();
    }

    /// Tells every nexus but the one that did it; all, when none did.
    void tellOthers(@Nullable Nexus by, LogicalUnit unit, PendingCondition condition) {
        for (Nexus nexus : nexuses) {
            if (nexus != by) {
                nexus.pending(unit.index()).post(condition);
            }
        }
    }

    /// The state that the configuration has for the target ports now. Where that is another than
    /// before, they change to it, whatever SET TARGET PORT GROUPS had set, and every nexus is told;
    /// commands that have begun go on to their end.
    public void configure(AccessState state) {
        portGroup.configure(state);
    }

    /// The state that the target ports are in now, whoever has set it.
    public AccessState accessState() {
        return portGroup.state();
    }

    TargetPortGroup portGroup() {
        return portGroup;
    }

    List<LogicalUnit> logicalUnits() {
        return inventory.units();
    }

    Runnable telling(Nexus by, LogicalUnit unit, PendingCondition condition) {
        return () -> tellOthers(by, unit, condition);
    }

    /// Tells every nexus.
    void postToAll(int index, PendingCondition condition) {
        for (Nexus nexus : nexuses) {
            nexus.pending(index).post(condition);
        }
    }

    /// One logical unit to serve.
    ///
    /// @param lun the number under which it is addressed, 0 to 16383
    /// @param blockSizeBytes the logical block size, a power of two
    /// @param physicalBlockSizeBytes a power of two, at least the logical block size
    /// @param serial the unit serial number, printable ASCII; empty: derived from the target's name
    ///   and the LUN
    /// @param names by which it is known, the most telling first; empty: derived likewise
    /// @param accessCounts what is to count what initiators read and write
    public record LogicalUnitSpec(
            int lun,
            LunBackend backend,
            int blockSizeBytes,
            int physicalBlockSizeBytes,
            Optional<String> serial,
            List<UnitName> names,
            AccessCounts accessCounts) {

        /// The same with derived names, and counts that nobody asks for.
        public LogicalUnitSpec(
                int lun,
                LunBackend backend,
                int blockSizeBytes,
                int physicalBlockSizeBytes,
                Optional<String> serial) {
            AccessCounts unasked = new AccessCounts();
            this(lun, backend, blockSizeBytes, physicalBlockSizeBytes, serial, List.of(), unasked);
        }
    }

    /// The iSCSI name of the target.
    public String targetName() {
        return device.name();
    }

    /// The target ports, ascending.
    List<Integer> ports() {
        return device.ports();
    }

    /// Begins a command.
    ///
    /// The order of the checks: a unit attention comes before anything is looked at, then what is
    /// wrong with the CDB, then the access state of the target port, then who else has reserved the
    /// unit, then the state of the unit, and what the command itself finds wrong last. While a unit
    /// is formatted or sanitized, a CDB that is wrong is answered with that, as a right one is.
    ///
    /// @param nexus the I_T nexus it came through
    /// @param lun the eight bytes of the LUN field
    /// @param cdb 16 bytes or more, valid during the call; its indexes do not move
    public Outcome execute(Nexus nexus, long lun, ByteBuf cdb) {
        long high = cdb.getLong(cdb.readerIndex());
        long low = cdb.getLong(cdb.readerIndex() + Long.BYTES);
        OperationCode operation = OperationCode.of(high);
        LogicalUnit unit = inventory.present(lun);
        if (unit == null) {
            return unaddressed.withoutUnit(nexus, operation, high, low);
        }
        boolean told = nexus.pending(unit.index()).any();
        if (told && (operation == null || !operation.passesUnitAttention())) {
            Optional<PendingCondition> condition = nexus.take(unit.index());
            if (condition.isPresent()) {
                return unit.refuse(condition.get().sense());
            }
        }
        if (operation == null) {
            return unit.refuse(Sense.unsupported((int) (high >>> 56)));
        }
        int offence = operation.usage().offendingBit(high, low);
        if (offence != CdbUsage.NO_OFFENCE) {
            Sense busy = unit.operation().refusal(operation);
            return unit.refuse(
                    busy != null ? busy : Sense.invalidFieldInCdb(offence >> 3, offence & 7));
        }
        Outcome.Status refusal = refusal(nexus, unit, operation);
        return refusal != null
                ? refusal
                : begin(nexus, unit, operation, operation.decode(high, low));
    }

    /// Why a nexus may not carry out an operation on a unit now: the state of the target port, who
    /// has reserved the unit, or its state.
    ///
    /// @return null when it may
    private Outcome.@Nullable Status refusal(
            Nexus nexus, LogicalUnit unit, OperationCode operation) {
        Sense inaccessible = portGroup.state().refusal(operation);
        if (inaccessible != null) {
            return unit.refuse(inaccessible);
        }
        Outcome.Status reserved = unit.reservedAgainst(nexus, operation);
        if (reserved != null) {
            return reserved;
        }
        Sense busy = unit.operation().refusal(operation);
        if (busy != null) {
            return unit.refuse(busy);
        }
        if (operation.needsReadyUnit() && unit.stopped()) {
            return unit.refuse(Sense.INITIALIZING_COMMAND_REQUIRED);
        }
        if (operation.writes() && unit.writeProtected()) {
            return unit.refuse(Sense.WRITE_PROTECTED);
        }
        return null;
    }

    /// The sense of an I/O failure.
    public Outcome.Status failed(long lun, IOException failure) {
        return refuse(lun, MediumException.sense(failure));
    }

    /// The status of a command whose data did not move as it must (RFC 7143 11.4.7.2 Sense Data).
    public Outcome.Status transferFailed(long lun, TransferFault fault) {
        return refuse(lun, fault.sense());
    }

    private Outcome.Status refuse(long lun, Sense sense) {
        LogicalUnit unit = inventory.known(lun);
        return unit == null ? sense.checkCondition(SenseFormat.FIXED) : unit.refuse(sense);
    }

    /// The I/O threads of the logical unit, or of nothing that blocks when there is no such unit.
    public Executor ioThreads(long lun) {
        LogicalUnit unit = inventory.known(lun);
        return unit == null ? Runnable::run : unit.backend().ioThreads();
    }

    /// The threads for writes of the logical unit, which may let them wait.
    public Executor writeThreads(long lun) {
        LogicalUnit unit = inventory.known(lun);
        return unit == null ? Runnable::run : unit.backend().writeThreads();
    }

    /// Whether `lun` addresses a logical unit of this target.
    public boolean hasUnit(long lun) {
        return inventory.present(lun) != null;
    }

    /// Whether two LUN fields, perhaps of different addressing methods, mean one logical unit.
    public boolean sameUnit(long lun, long other) {
        UnitInventory now = inventory;
        LogicalUnit unit = now.known(lun);
        return unit != null && unit == now.known(other);
    }

    /// The LUN fields of all logical units that a nexus sees, in ascending order.
    public List<Long> units(Nexus nexus) {
        return inventory.units(nexus.luns()).stream()
                .map(unit -> LunField.of(unit.number()))
                .toList();
    }

    /// A new I_T nexus that sees every logical unit.
    public Nexus attach(String initiatorPortName, int targetPort) {
        return attach(initiatorPortName, targetPort, LunMap.ALL);
    }

    /// A new I_T nexus: every logical unit has a POWER ON unit attention for it (SAM-5 5.14).
    ///
    /// @param targetPort the relative target port identifier, one of the device's
    /// @param luns the logical units that it sees: of what comes with a LUN field of its own the
    ///   field is to be replaced ([Nexus#unit])
    public synchronized Nexus attach(String initiatorPortName, int targetPort, LunMap luns) {
        assert ports().contains(targetPort) : targetPort;
        NexusName name = new NexusName(initiatorPortName, targetPort);
        Nexus nexus = new Nexus(name, luns, inventory.indexes());
        nexuses.add(nexus);
        return nexus;
    }

    /// I_T nexus loss (SAM-5 6.3.4): its reservations go, its unit attentions are dropped. Its
    /// tasks have ended, and its copies ([#endCopies]).
    public void detach(Nexus nexus) {
        nexuses.remove(nexus);
        copies.forget(nexus);
        allegiance.clear(nexus);
        inventory.units().forEach(unit -> unit.detach(nexus));
    }

    /// What a nexus has not been told yet of a logical unit, as the additional response information
    /// of QUERY ASYNCHRONOUS EVENT has it (SAM-5 7.8): three bytes, the UADE DEPTH field and the
    /// sense key in the first, then the additional sense code and its qualifier; 0: nothing.
    public int asynchronousEvent(Nexus nexus, long lun) {
        LogicalUnit unit = inventory.present(lun);
        return unit == null ? 0 : nexus.pending(unit.index()).asynchronousEvent();
    }

    /// Logical unit reset (SAM-5 6.3.3): reservations go, saved state is restored, every nexus gets
    /// a unit attention, the one that asked for it too. The tasks have been ended by the caller.
    public void resetUnit(long lun) {
        LogicalUnit unit = inventory.present(lun);
        if (unit == null) {
            return;
        }
        unit.reset();
        copies.forget(unit);
        allegiance.clear(unit);
        postToAll(unit.index(), PendingCondition.LOGICAL_UNIT_RESET);
    }

    /// Power on (SAM-5 6.3.1), after [#resetUnit] of every logical unit: of what initiators have
    /// set there is what a restart of this server would bring back. Every nexus is about to end.
    public void powerOn() {
        portGroup.powerOn();
        for (LogicalUnit unit : inventory.units()) {
            unit.powerOn();
            copies.forgetTokens(unit);
        }
    }

    /// The status of a task that another nexus aborts; null: it ends without (TAS, SAM-5 5.6
    /// Aborting commands).
    public Outcome.@Nullable Status abortedByOther(long lun) {
        return taskControl(lun).abortedStatus() ? LogicalUnit.taskAborted() : null;
    }

    /// Tells `victim`, a nexus other than the one that did it, that its tasks were cleared, unless
    /// their statuses have said so. The tasks have been ended by the caller.
    public void tasksCleared(long lun, Nexus victim) {
        if (!taskControl(lun).abortedStatus()) {
            inventory.post(lun, victim, PendingCondition.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR);
        }
    }

    /// The same of tasks that ended with a connection (RFC 7143 7.6 Implicit Termination of Tasks).
    public void tasksEnded(long lun, Nexus nexus) {
        inventory.post(lun, nexus, PendingCondition.COMMANDS_CLEARED_BY_PROTOCOL_EVENT);
    }

    /// The logical unit has another capacity: every nexus is told (SBC-3 4.10 Capacity).
    ///
    /// @param number the LUN, 0 to 16383, one that this server has
    public void capacityChanged(int number) {
        int index = requireNonNull(inventory.numbered(number)).index();
        postToAll(index, PendingCondition.CAPACITY_DATA_HAS_CHANGED);
    }

    private Outcome begin(Nexus nexus, LogicalUnit unit, OperationCode operation, Cdb cdb) {
        return switch (cdb) {
            case Cdb.Read read -> MediumRead.begin(unit, operation, read);
            case Cdb.Write write -> MediumWrite.begin(unit, operation, write);
            case Cdb.TestUnitReady _ -> Outcome.Status.GOOD;
            case Cdb.SynchronizeCache sync -> unit.synchronizeCache(sync);
            case Cdb.WriteAndVerify write -> WriteAndVerify.begin(unit, operation, write);
            case Cdb.OrWrite orWrite -> OrWrite.begin(unit, operation, orWrite);
            case Cdb.ReadDefectData defects -> unit.readDefectData(defects);
            case Cdb.ReadBuffer buffer -> nexus.buffers().read(unit, buffer);
            case Cdb.WriteBuffer buffer -> nexus.buffers().write(unit, buffer);
            case Cdb.PreFetch fetch -> unit.preFetch(fetch);
            case Cdb.CompareAndWrite exchange -> CompareAndWrite.begin(unit, exchange);
            case Cdb.FormatUnit format -> FormatUnit.begin(unit, format);
            case Cdb.SanitizeOverwrite sanitize -> Sanitize.overwrite(unit, sanitize);
            case Cdb.SanitizeBlockErase sanitize -> Sanitize.blockErase(unit, sanitize);
            case Cdb.SanitizeExitFailureMode _ -> Sanitize.exitFailureMode(unit);
            case Cdb.Unmap unmap -> Unmap.begin(unit, unmap);
            case Cdb.WriteSame writeSame -> WriteSame.begin(unit, operation, writeSame);
            case Cdb.Verify verify -> Verification.begin(unit, operation, verify);
            case Cdb.Inquiry inquiry -> unit.inquiry(inquiry, nexus, portGroup.state());
            case Cdb.ReadCapacity10 _ -> unit.readCapacity10();
            case Cdb.ReadCapacity16 capacity -> unit.readCapacity16(capacity);
            case Cdb.GetLbaStatus status -> LbaStatus.begin(unit, status);
            case Cdb.ModeSelect modeSelect ->
                    unit.modeSelect(
                            modeSelect,
                            telling(nexus, unit, PendingCondition.MODE_PARAMETERS_CHANGED));
            case Cdb.ModeSense modeSense -> unit.modeSense(modeSense);
            case Cdb.LogSelect logSelect -> LogSelect.begin(this, nexus, unit, logSelect);
            case Cdb.LogSense logSense -> LogPages.sense(unit, logSense);
            case Cdb.RequestSense requestSense -> unit.requestSense(nexus, requestSense);
            case Cdb.StartStopUnit startStop -> unit.startStop(nexus, startStop);
            case Cdb.ExtendedCopy copy -> copies.extendedCopy(nexus, unit, copy);
            case Cdb.PopulateToken populate -> copies.populateToken(nexus, unit, populate);
            case Cdb.WriteUsingToken write -> copies.writeUsingToken(nexus, unit, write);
            case Cdb.CopyOperationAbort abort -> copies.abort(nexus, unit, abort);
            case Cdb.ReceiveCopyResults results -> copies.results(nexus, unit, results);
            case Cdb.Maintenance maintenance -> Maintenance.begin(this, nexus, unit, maintenance);
            case Cdb.SendDiagnostic diagnostic -> unit.sendDiagnostic(diagnostic);
            case Cdb.PersistentReserveIn in -> ReserveIn.answer(unit, in);
            case Cdb.PersistentReserveOut out -> ReserveOut.begin(this, nexus, unit, out);
            case Cdb.Reserve _ -> unit.reserve(nexus);
            case Cdb.Release _ -> unit.release(nexus);
            case Cdb.ReportLuns reportLuns ->
                    unaddressed.reportLuns(nexus, unit.senseFormat(), reportLuns);
        };
    }
}

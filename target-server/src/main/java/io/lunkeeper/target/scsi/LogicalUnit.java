package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.target.scsi.Registrations.Claim;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jscsi.parser.scsi.SCSIStatus;
import org.jscsi.target.scsi.readCapacity.ReadCapacity10ParameterData;
import org.jscsi.target.scsi.readCapacity.ReadCapacity16ParameterData;
import org.jspecify.annotations.Nullable;

/// One logical unit: what it is, and the state that all nexuses share (started or stopped, who has
/// reserved it). Safe from any thread; a command on the medium takes no lock.
final class LogicalUnit {
    /// The unit of space in provisioning pages: large enough for 32 bits to count any image.
    static final int THRESHOLD_SET_BYTES = 1 << 20;

    private static final long MAX_LBA_OF_READ_CAPACITY_10 = 0xffff_ffffL;

    private final int number;
    private final int index;
    private final LunBackend backend;
    private final int blockShift;
    private final BlockLimits limits;
    private final List<ByteBuffer> names;
    private final InquiryData inquiryData;
    private final ModePages modePages;
    private final SavedModePages savedMode;
    private final IdentifyingInformation identifyingInformation;
    private final DeviceClock clock = new DeviceClock(System::currentTimeMillis, System::nanoTime);
    private final Outcome flush = flushThen(() -> Outcome.Status.GOOD);
    private final AtomicReference<@Nullable Nexus> reservedBy = new AtomicReference<>();
    private final PersistentReservations reservations;
    private final AtomicInteger resets = new AtomicInteger();
    private final TaskOrder taskSet;
    private final AccessCounts accessCounts;
    private final ApplicationClientLog applicationClientLog = new ApplicationClientLog();
    private final BackgroundOperation operation;
    private volatile boolean stopped;
    private volatile ModeParameters mode;

    /// @param index where each [Nexus] keeps what it has not been told of this unit
    /// @param taskSet the order of the tasks of all nexuses
    /// @throws IOException when it cannot be told what is kept of it
    LogicalUnit(
            TargetDevice device, int index, DeviceServer.LogicalUnitSpec spec, TaskOrder taskSet)
            throws IOException {
        assert Integer.bitCount(spec.blockSizeBytes()) == 1 : spec;
        assert Integer.bitCount(spec.physicalBlockSizeBytes()) == 1 : spec;
        assert spec.physicalBlockSizeBytes() >= spec.blockSizeBytes() : spec;
        this.number = spec.lun();
        this.index = index;
        this.taskSet = taskSet;
        this.backend = spec.backend();
        this.accessCounts = spec.accessCounts();
        this.blockShift = Integer.numberOfTrailingZeros(spec.blockSizeBytes());
        this.limits = new BlockLimits(spec.blockSizeBytes(), spec.physicalBlockSizeBytes());
        UnitIdentity identity =
                UnitIdentity.derive(device.name(), spec.lun(), spec.serial()).named(spec.names());
        this.inquiryData =
                new InquiryData(
                        identity,
                        device,
                        limits,
                        backend.cacheMode().volatileCache(),
                        thresholdExponent());
        this.names = DeviceIdentification.namesOfUnit(identity);
        this.mode = defaultMode();
        this.modePages = new ModePages(this, defaultMode());
        String unit = device.name() + " " + spec.lun();
        this.savedMode =
                new SavedModePages(
                        modePages, defaultMode(), new UnitSection(backend, "mode", unit));
        this.mode = savedMode.now();
        followThreshold();
        this.identifyingInformation =
                new IdentifyingInformation(new UnitSection(backend, "identity", unit));
        this.reservations = new PersistentReservations(backend, unit, device.ports());
        // Last, as it may go on from here.
        this.operation = new BackgroundOperation(backend, spec.blockSizeBytes());
    }

    /// The LUN under which it is addressed.
    int number() {
        return number;
    }

    int index() {
        return index;
    }

    /// Whether it has this designator in its Device Identification VPD page.
    boolean isNamed(ByteBuffer designator) {
        return names.contains(designator);
    }

    /// A designator by which it can be told from any other, of at most 20 bytes.
    ByteBuffer name() {
        return names.getFirst().asReadOnlyBuffer();
    }

    /// How often it was reset: what was under way before has ended.
    int resets() {
        return resets.get();
    }

    /// How many blocks a threshold set has, as a power of two; 0 without thresholds (SBC-3, Logical
    /// Block Provisioning VPD page).
    private int thresholdExponent() {
        return lowSpaceSets() == 0
                ? 0
                : Integer.numberOfTrailingZeros(THRESHOLD_SET_BYTES) - blockShift;
    }

    /// What has the whole medium to itself.
    BackgroundOperation operation() {
        return operation;
    }

    /// Whether the unit has a command: where a file system copies on write, what was overwritten
    /// would stay on the disk.
    boolean offers(OperationCode command) {
        return command != OperationCode.SANITIZE_OVERWRITE || backend.erasure().overwritesInPlace();
    }

    LunBackend backend() {
        return backend;
    }

    /// The order of the tasks of all nexuses, where they have one task set together.
    TaskOrder taskSet() {
        return taskSet;
    }

    BlockLimits limits() {
        return limits;
    }

    boolean readOnly() {
        return backend.readOnly();
    }

    /// Whether an acknowledged write may be lost by power failure before a flush.
    boolean volatileCache() {
        return mode.writeCache();
    }

    /// Whether writes are refused, by the configuration or by MODE SELECT.
    boolean writeProtected() {
        return readOnly() || mode.writeProtect();
    }

    /// The mode parameters of now.
    ModeParameters mode() {
        return mode;
    }

    /// The mode parameters that a reset brings back.
    ModeParameters savedMode() {
        return savedMode.now();
    }

    /// A default that is not a whole number of sets counts to the byte.
    private void followThreshold() {
        SpaceThreshold threshold = mode.threshold();
        backend.reportSpaceBelow(
                threshold.equals(defaultMode().threshold())
                        ? backend.lowSpaceBytes()
                        : threshold.bytes());
    }

    private ModeParameters defaultMode() {
        return new ModeParameters(
                backend.cacheMode().volatileCache(),
                false,
                false,
                TaskControl.DEFAULT,
                new SpaceThreshold(true, lowSpaceSets()));
    }

    long capacityBlocks() {
        return backend.sizeBytes() >>> blockShift;
    }

    /// Blocks to bytes; the blocks are known to be on the medium.
    long bytes(long blocks) {
        return blocks << blockShift;
    }

    /// Bytes to whole blocks.
    long blocks(long bytes) {
        return bytes >>> blockShift;
    }

    /// The block that holds a byte of the medium.
    long lba(long offsetBytes) {
        return offsetBytes >>> blockShift;
    }

    /// The format of sense data in a status: what D_SENSE of the Control mode page says.
    SenseFormat senseFormat() {
        return mode.descriptorSense() ? SenseFormat.DESCRIPTOR : SenseFormat.FIXED;
    }

    Outcome.Status refuse(Sense sense) {
        return sense.checkCondition(senseFormat());
    }

    /// Checks the blocks that a command names.
    ///
    /// @param maxBlocks the most that this kind of command may name
    /// @return null when the command may go on
    Outcome.@Nullable Status checkBlocks(
            OperationCode operation, long lba, long blocks, long maxBlocks) {
        if (blocks > maxBlocks) {
            return refuse(Sense.invalidFieldInCdb(operation.usage().transferLengthByte()));
        }
        return checkRange(lba, blocks);
    }

    /// Checks that blocks are on the medium. `lba` is unsigned, so one of 2^63 or more is negative.
    ///
    /// @return null when they are
    Outcome.@Nullable Status checkRange(long lba, long blocks) {
        long capacity = capacityBlocks();
        if (lba >= 0 && lba <= capacity && blocks <= capacity - lba) {
            return null;
        }
        boolean startsInside = lba >= 0 && lba < capacity;
        return refuse(Sense.lbaOutOfRange(startsInside ? capacity : lba));
    }

    /// SPC-4 5.16.2.4.5 Unavailable state: through a target port in it the unit is not to be had,
    /// which the PERIPHERAL QUALIFIER says.
    ///
    /// @param nexus whose command it is
    /// @param through the state of the target port through which it came
    Outcome inquiry(Cdb.Inquiry cdb, Nexus nexus, AccessState through) {
        boolean connected = through != AccessState.UNAVAILABLE;
        if (!cdb.vitalProductData()) {
            return cdb.pageCode() == 0
                    ? Parameters.cut(
                            InquiryData.standardData(nexus.protocolLevel(), connected),
                            cdb.allocationLength())
                    : refuse(Sense.invalidFieldInCdb(2));
        }
        return inquiryData
                .vitalProductData(cdb.pageCode(), nexus.name().targetPort(), connected)
                .map(page -> Parameters.cut(page, cdb.allocationLength()))
                .orElseGet(() -> refuse(Sense.invalidFieldInCdb(2)));
    }

    Outcome modeSense(Cdb.ModeSense cdb) {
        return modePages.sense(cdb);
    }

    /// Without a write cache every write that was acknowledged must be on stable storage, so those
    /// before are made so first. What is to be saved is saved even when nothing has changed.
    ///
    /// @param changed told when something has changed
    Outcome modeSelect(Cdb.ModeSelect cdb, Runnable changed) {
        return modePages.select(
                cdb,
                wanted -> {
                    ModeParameters before = mode;
                    if (!wanted.equals(before)) {
                        mode = wanted;
                        followThreshold();
                        changed.run();
                    }
                    Outcome last = cdb.savePages() ? saveMode() : Outcome.Status.GOOD;
                    return before.writeCache() && !wanted.writeCache()
                            ? flushThen(() -> last)
                            : last;
                });
    }

    private Outcome saveMode() {
        return new Outcome.Blocking(() -> {
            savedMode.save(() -> mode);
            return Outcome.Status.GOOD;
        });
    }

    IdentifyingInformation identifyingInformation() {
        return identifyingInformation;
    }

    DeviceClock clock() {
        return clock;
    }

    /// How much was read and written.
    AccessCounts accessCounts() {
        return accessCounts;
    }

    ApplicationClientLog applicationClientLog() {
        return applicationClientLog;
    }

    /// The free space of the file system below which initiators are told by default, in threshold
    /// sets; 0: never, since the unit cannot need more space or nobody wants to know.
    long lowSpaceSets() {
        return readOnly() ? 0 : backend.lowSpaceBytes() / THRESHOLD_SET_BYTES;
    }

    /// SPC-4 6.39 REQUEST SENSE command: reports a unit attention, and with that clears it.
    Outcome requestSense(Nexus nexus, Cdb.RequestSense cdb) {
        Sense idle = stopped ? Sense.INITIALIZING_COMMAND_REQUIRED : Sense.NO_SENSE;
        Sense sense =
                nexus.take(index).map(PendingCondition::sense).or(operation::pollable).orElse(idle);
        SenseFormat format = cdb.descriptor() ? SenseFormat.DESCRIPTOR : SenseFormat.FIXED;
        return Parameters.cut(sense.bytes(format), cdb.allocationLength());
    }

    /// SBC-3, READ CAPACITY(10) command: all ones when READ CAPACITY(16) must be asked.
    Outcome readCapacity10() {
        long lastLba = Math.min(capacityBlocks() - 1, MAX_LBA_OF_READ_CAPACITY_10);
        byte[] data =
                Parameters.bytes(new ReadCapacity10ParameterData(lastLba, limits.blockSizeBytes()));
        return Parameters.cut(data, data.length);
    }

    /// SBC-3, READ CAPACITY(16) command: LBPME and LBPRZ, block 0 aligned.
    Outcome readCapacity16(Cdb.ReadCapacity16 cdb) {
        return Parameters.cut(capacityData(), cdb.allocationLength());
    }

    /// READ CAPACITY(16) parameter data.
    byte[] capacityData() {
        byte[] data =
                Parameters.bytes(
                        new ReadCapacity16ParameterData(
                                capacityBlocks() - 1, limits.blockSizeBytes()));
        int exponent = Integer.numberOfTrailingZeros(limits.blocksPerPhysicalBlock());
        ByteBuffer.wrap(data).put(13, (byte) exponent).putShort(14, (short) 0xc000);
        return data;
    }

    PersistentReservations reservations() {
        return reservations;
    }

    /// SPC-2 7.21 RESERVE(6) command: nothing happens when the nexus has the reservation already.
    Outcome reserve(Nexus nexus) {
        if (!reservations.now().keys().isEmpty()) {
            return besidePersistent(nexus);
        }
        return reservedBy.compareAndSet(null, nexus) || !reservedByOther(nexus)
                ? Outcome.Status.GOOD
                : reservationConflict();
    }

    /// SPC-2 7.16 RELEASE(6) command: GOOD also when the nexus has no reservation.
    Outcome release(Nexus nexus) {
        if (!reservations.now().keys().isEmpty()) {
            return besidePersistent(nexus);
        }
        reservedBy.compareAndSet(nexus, null);
        return Outcome.Status.GOOD;
    }

    /// SPC-4 5.13.3 Exceptions to SPC-2 RESERVE and RELEASE behavior: who has access by a
    /// persistent reservation has what RESERVE would give, and keeps it.
    private Outcome besidePersistent(Nexus nexus) {
        Registrations now = reservations.now();
        boolean admitted = now.reservation() != null && !now.conflict(nexus.name(), Claim.CHANGE);
        return admitted ? Outcome.Status.GOOD : reservationConflict();
    }

    /// The nexus is there no more, and so what it reserved by RESERVE.
    void detach(Nexus nexus) {
        reservedBy.compareAndSet(nexus, null);
    }

    /// Whether there is a reservation by RESERVE.
    boolean reserved() {
        return reservedBy.get() != null;
    }

    /// What keeps a nexus from an operation: that another has reserved the unit, or that nobody
    /// knows who has.
    ///
    /// @return null when nothing does
    Outcome.@Nullable Status reservedAgainst(Nexus nexus, OperationCode operation) {
        if (reservations.lostTo(operation)) {
            return refuse(Sense.PERSISTENT_RESERVATION_INFORMATION_LOST);
        }
        boolean conflict =
                (!operation.passesReservation() && reservedByOther(nexus))
                        || reservations.conflict(nexus, operation.claim());
        return conflict ? reservationConflict() : null;
    }

    private boolean reservedByOther(Nexus nexus) {
        Nexus holder = reservedBy.get();
        return holder != null && holder != nexus;
    }

    static Outcome.Status taskAborted() {
        return new Outcome.Status(SCSIStatus.TASK_ABORTED.value() & 0xff, Unpooled.EMPTY_BUFFER);
    }

    static Outcome.Status reservationConflict() {
        return new Outcome.Status(
                SCSIStatus.RESERVATION_CONFLICT.value() & 0xff, Unpooled.EMPTY_BUFFER);
    }

    boolean stopped() {
        return stopped;
    }

    /// SBC-3, START STOP UNIT command. Stopping flushes first, unless NO_FLUSH says not to.
    Outcome startStop(Nexus nexus, Cdb.StartStopUnit cdb) {
        if (!cdb.start() && reservations.now().lost()) {
            return refuse(Sense.PERSISTENT_RESERVATION_INFORMATION_LOST);
        }
        if (!cdb.start() && reservations.conflict(nexus, Claim.CHANGE)) {
            return reservationConflict();
        }
        if (cdb.start() || cdb.noFlush()) {
            stopped = !cdb.start();
            return Outcome.Status.GOOD;
        }
        if (cdb.immediate()) {
            stopped = true;
            return flushLater();
        }
        return flushThen(() -> {
            stopped = true;
            return Outcome.Status.GOOD;
        });
    }

    /// SBC-3, SYNCHRONIZE CACHE(10) command. The whole cache is written whatever the range.
    Outcome synchronizeCache(Cdb.SynchronizeCache cdb) {
        Outcome.Status refusal = checkRange(cdb.lba(), cdb.blocks());
        if (refusal != null) {
            return refusal;
        }
        return cdb.immediate() ? flushLater() : flush;
    }

    /// SPC-4 6.42 SEND DIAGNOSTIC command: the self-test fails when the unit has failed.
    Outcome sendDiagnostic(Cdb.SendDiagnostic cdb) {
        return cdb.selfTest() && backend.statistics().failure().isPresent()
                ? refuse(Sense.LOGICAL_UNIT_FAILED_SELF_TEST)
                : Outcome.Status.GOOD;
    }

    /// SBC-3, READ DEFECT DATA(10) command: the lists that are asked for are there and empty, in
    /// whatever format.
    Outcome readDefectData(Cdb.ReadDefectData cdb) {
        byte[] list = new byte[cdb.header() == Cdb.DefectHeader.TEN ? 4 : 8];
        list[1] = (byte) cdb.lists();
        return Parameters.cut(list, cdb.allocationLength());
    }

    /// SBC-3, PRE-FETCH(10) command. The status is never CONDITION MET: nobody can promise what the
    /// page cache will hold. Whether IMMED is set makes no difference, as the reading is begun and
    /// not waited for.
    Outcome preFetch(Cdb.PreFetch cdb) {
        Outcome.Status refusal = checkRange(cdb.lba(), cdb.blocks());
        if (refusal != null) {
            return refusal;
        }
        long rest = capacityBlocks() - cdb.lba();
        long blocks = Math.min(cdb.blocks() == 0 ? rest : cdb.blocks(), limits.maxPreFetchBlocks());
        return new Outcome.Blocking(() -> {
            backend.readAhead(bytes(cdb.lba()), bytes(blocks));
            return Outcome.Status.GOOD;
        });
    }

    /// What is left of a command when all its data is with the backend.
    ///
    /// @param fua whether the command itself asks for stable storage
    Outcome written(boolean fua) {
        return fua || !volatileCache() ? flush : Outcome.Status.GOOD;
    }

    /// Everything written is on stable storage before the command goes on with `next`.
    Outcome flushThen(Supplier<Outcome> next) {
        return new Outcome.Awaiting(then ->
                backend.flush(failure ->
                        then.resume(
                                failure == null
                                        ? next.get()
                                        : refuse(
                                                MediumException.sense(
                                                        MediumException.flushing(failure))))));
    }

    /// Logical unit reset: no reservation by RESERVE, saved mode and default log parameters,
    /// started again. Persistent ones stay.
    void reset() {
        resets.incrementAndGet();
        reservedBy.set(null);
        boolean cached = volatileCache();
        mode = savedMode.now();
        followThreshold();
        if (cached && !volatileCache()) {
            backend.flushSoon();
        }
        applicationClientLog.reset();
        stopped = false;
    }

    /// Power on, after [#reset]: what was to last no longer than until then is gone.
    void powerOn() {
        reservations.powerOn();
        clock.powerOn();
    }

    /// A flush that nobody waits for (IMMED). When it fails the LUN has failed, and the next
    /// command says so.
    private Outcome flushLater() {
        backend.flushSoon();
        return Outcome.Status.GOOD;
    }
}

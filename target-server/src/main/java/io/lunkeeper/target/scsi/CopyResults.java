package io.lunkeeper.target.scsi;

import io.lunkeeper.target.scsi.CopyOperation.Progress;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// What RECEIVE COPY STATUS and its relatives answer (SPC-4 6.19 RECEIVE COPY FAILURE DETAILS(LID1)
/// command to 6.23 RECEIVE COPY STATUS(LID4) command).
final class CopyResults {
    static final int LIST_IDENTIFIER_BYTE = 2;

    // COPY OPERATION STATUS
    private static final int STATUS_COMPLETED = 0x01;
    private static final int STATUS_FAILED = 0x02;
    private static final int STATUS_PARTIAL_TOKEN_USAGE = 0x03;
    private static final int STATUS_IN_FOREGROUND = 0x11;
    private static final int STATUS_IN_BACKGROUND = 0x12;
    private static final int STATUS_TERMINATED = 0x60;

    /// ESTIMATED STATUS UPDATE DELAY: there is nothing to wait for.
    private static final int ENDED = 0xffff_fffe;

    private static final long MIN_DELAY_MILLIS = 10;
    private static final long MAX_DELAY_MILLIS = 1000;

    private static final int SUPPORTS_NO_LIST_IDENTIFIER = 0x01;

    /// TRANSFER COUNT UNITS: bytes, and up to exbibytes by powers of 1,024.
    private static final int COUNTED_IN_BYTES = 0x00;

    private static final int COUNTED_IN_BLOCKS = 0xf1;
    private static final int UNITS_BYTE = 15;

    /// What comes before a token: the ID of a CSCD descriptor, of which there is none.
    private static final int ROD_CSCD_BYTES = 2;

    private CopyResults() {}

    /// What is asked.
    enum Query {
        STATUS_LID1(false),
        OPERATING_PARAMETERS(false),
        FAILURE_DETAILS(false),
        STATUS_LID4(true),
        ROD_TOKEN_INFORMATION(true);

        private final boolean longIdentifier;

        Query(boolean longIdentifier) {
            this.longIdentifier = longIdentifier;
        }

        /// Whether the list identifier has four bytes.
        boolean longIdentifier() {
            return longIdentifier;
        }
    }

    /// Answers a query.
    ///
    /// @param found the copy that has the list identifier
    static Outcome answer(
            LogicalUnit unit, Optional<CopyOperation> found, Cdb.ReceiveCopyResults cdb) {
        if (cdb.query() == Query.OPERATING_PARAMETERS) {
            return Parameters.cut(operatingParameters(), cdb.allocationLength());
        }
        if (found.isEmpty()) {
            return unit.refuse(Sense.invalidFieldInCdb(LIST_IDENTIFIER_BYTE));
        }
        Progress progress = found.get().progress();
        if (cdb.query() == Query.FAILURE_DETAILS
                && progress.state() == CopyOperation.State.RUNNING) {
            return unit.refuse(Sense.invalidFieldInCdb(LIST_IDENTIFIER_BYTE));
        }
        byte[] data =
                switch (cdb.query()) {
                    case STATUS_LID1 -> shortStatus(progress);
                    case STATUS_LID4 -> longStatus(found.get(), progress);
                    case ROD_TOKEN_INFORMATION -> tokenInformation(unit, found.get(), progress);
                    case FAILURE_DETAILS -> failureDetails(progress);
                    case OPERATING_PARAMETERS -> throw new AssertionError("answered above");
                };
        return Parameters.cut(data, cdb.allocationLength());
    }

    /// SPC-4, RECEIVE COPY STATUS(LID1) parameter data.
    private static byte[] shortStatus(Progress progress) {
        int status =
                switch (progress.state()) {
                    case RUNNING -> 0;
                    case COMPLETED -> STATUS_COMPLETED;
                    case FAILED, ABORTED -> STATUS_FAILED;
                };
        int units = COUNTED_IN_BYTES;
        long count = progress.bytes();
        while (count >>> Integer.SIZE != 0) {
            count >>>= 10;
            units++;
        }
        return ByteBuffer.allocate(12)
                .putInt(8)
                .put((byte) status)
                .putShort((short) progress.segments())
                .put((byte) units)
                .putInt((int) count)
                .array();
    }

    /// SPC-4, RECEIVE COPY STATUS(LID4) parameter data.
    private static byte[] longStatus(CopyOperation operation, Progress progress) {
        CopyOperation.Origin origin = operation.origin();
        byte[] sense = progress.sense();
        int senseField = (sense.length + 3) & -4;
        ByteBuffer data = ByteBuffer.allocate(32 + senseField);
        data.putInt(data.capacity() - 4);
        data.put((byte) origin.command().serviceAction()).put((byte) status(origin, progress));
        data.putShort((short) progress.pieces());
        boolean running = progress.state() == CopyOperation.State.RUNNING;
        data.putInt(running ? delayMillis(operation.ageNanos()) : ENDED);
        data.put((byte) progress.ending().status()).put((byte) senseField).put((byte) sense.length);
        data.put((byte) COUNTED_IN_BYTES).putLong(progress.bytes());
        data.putShort((short) progress.segments());
        return data.put(32, sense).array();
    }

    /// COPY OPERATION STATUS.
    private static int status(CopyOperation.Origin origin, Progress progress) {
        return switch (progress.state()) {
            case RUNNING -> origin.background() ? STATUS_IN_BACKGROUND : STATUS_IN_FOREGROUND;
            case COMPLETED ->
                    progress.bytes() < origin.wantedBytes()
                            ? STATUS_PARTIAL_TOKEN_USAGE
                            : STATUS_COMPLETED;
            case FAILED -> STATUS_FAILED;
            case ABORTED -> STATUS_TERMINATED;
        };
    }

    /// How long to wait before asking again: as long as the copy takes already. So whoever waits
    /// asks seldom, and hears of the end after at most twice the time that it took, or a second
    /// later.
    static int delayMillis(long ageNanos) {
        long age = TimeUnit.NANOSECONDS.toMillis(ageNanos);
        return (int) Math.clamp(age, MIN_DELAY_MILLIS, MAX_DELAY_MILLIS);
    }

    /// SPC-4, RECEIVE ROD TOKEN INFORMATION parameter data: the status counted in blocks, as all
    /// that makes or uses tokens counts, and the token that was made.
    private static byte[] tokenInformation(
            LogicalUnit unit, CopyOperation operation, Progress progress) {
        byte[] status = longStatus(operation, progress);
        byte[] token = operation.token();
        int descriptorBytes = token.length == 0 ? 0 : ROD_CSCD_BYTES + token.length;
        ByteBuffer data = ByteBuffer.allocate(status.length + 4 + descriptorBytes).put(status);
        data.putInt(0, data.capacity() - 4);
        data.put(UNITS_BYTE, (byte) COUNTED_IN_BLOCKS);
        data.putLong(UNITS_BYTE + 1, unit.blocks(progress.bytes()));
        data.putInt(descriptorBytes);
        if (descriptorBytes > 0) {
            data.position(data.position() + ROD_CSCD_BYTES);
            data.put(token);
        }
        return data.array();
    }

    /// SPC-4, RECEIVE COPY FAILURE DETAILS(LID1) parameter data: nothing when nothing failed.
    private static byte[] failureDetails(Progress progress) {
        if (progress.state() != CopyOperation.State.FAILED) {
            return new byte[4];
        }
        byte[] sense = progress.sense();
        return ByteBuffer.allocate(60 + sense.length)
                .putInt(56 + sense.length)
                .put(56, (byte) progress.ending().status())
                .putShort(58, (short) sense.length)
                .put(60, sense)
                .array();
    }

    /// SPC-4, RECEIVE COPY OPERATING PARAMETERS parameter data. No data is held for initiators,
    /// none is taken inline, and there are no stream devices.
    private static byte[] operatingParameters() {
        byte[] types = CopyCapabilities.descriptorTypes();
        ByteBuffer data = ByteBuffer.allocate(44 + types.length);
        data.putInt(data.capacity() - 4).putInt(SUPPORTS_NO_LIST_IDENTIFIER << 24);
        data.putShort((short) CopyLimits.MAX_CSCD_DESCRIPTORS);
        data.putShort((short) CopyLimits.MAX_SEGMENT_DESCRIPTORS);
        data.putInt(CopyLimits.MAX_LIST_BYTES).putInt(CopyLimits.MAX_SEGMENT_BYTES);
        data.putShort(34, (short) CopyLimits.MAX_CONCURRENT_COPIES);
        data.put(36, (byte) CopyLimits.MAX_CONCURRENT_COPIES);
        return data.put(43, (byte) types.length).put(44, types).array();
    }
}

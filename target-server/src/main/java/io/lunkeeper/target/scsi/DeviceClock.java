package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// The timestamp of one logical unit (SPC-4 5.2 Device clocks): the clock of this machine, or what
/// SET TIMESTAMP said and the time since. Safe from any thread.
final class DeviceClock {
    // TIMESTAMP ORIGIN.
    private static final int SET_BY_COMMAND = 0x02;
    private static final int SET_BY_OTHER_MEANS = 0x03;

    // SET TIMESTAMP parameter list.
    private static final int LIST_BYTES = 12;
    private static final int TIMESTAMP_BYTE = 4;
    private static final int MAX_HIGH_BYTE = 0xf0;

    private final LongSupplier wallMillis;
    private final LongSupplier nanoTime;
    private volatile @Nullable Setting setting;

    /// @param wallMillis milliseconds since 1970
    /// @param nanoTime nanoseconds since any time
    DeviceClock(LongSupplier wallMillis, LongSupplier nanoTime) {
        this.wallMillis = wallMillis;
        this.nanoTime = nanoTime;
    }

    private record Setting(long millis, long atNanos) {}

    /// SPC-4 6.38 REPORT TIMESTAMP command.
    Outcome report(Cdb.ReportTimestamp cdb) {
        Setting last = setting;
        long millis =
                last == null
                        ? wallMillis.getAsLong()
                        : last.millis()
                                + TimeUnit.NANOSECONDS.toMillis(
                                        nanoTime.getAsLong() - last.atNanos());
        byte[] data =
                ByteBuffer.allocate(12)
                        .putShort((short) 10)
                        .put((byte) (last == null ? SET_BY_OTHER_MEANS : SET_BY_COMMAND))
                        .putLong(4, millis << 16)
                        .array();
        return Parameters.cut(data, cdb.allocationLength());
    }

    /// SPC-4 6.46 SET TIMESTAMP command.
    ///
    /// @param changed told when it has been set
    Outcome begin(LogicalUnit unit, Cdb.SetTimestamp cdb, Runnable changed) {
        if (cdb.parameterListLength() == 0) {
            return Outcome.Status.GOOD;
        }
        if (cdb.parameterListLength() != LIST_BYTES) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        return new Outcome.ReceiveParameters(
                LIST_BYTES,
                (list, announcedBytes) ->
                        announcedBytes < LIST_BYTES
                                ? unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT)
                                : received(unit, list, changed));
    }

    private Outcome received(LogicalUnit unit, ByteBuf list, Runnable changed) {
        int start = list.readerIndex();
        if (list.getUnsignedByte(start + TIMESTAMP_BYTE) > MAX_HIGH_BYTE) {
            return unit.refuse(Sense.invalidFieldInParameterList(TIMESTAMP_BYTE));
        }
        set(list.getLong(start + TIMESTAMP_BYTE) >>> 16);
        changed.run();
        return Outcome.Status.GOOD;
    }

    /// Power on: it is the clock of this machine again.
    void powerOn() {
        setting = null;
    }

    /// Goes on from a timestamp of 48 bits.
    void set(long millis) {
        setting = new Setting(millis, nanoTime.getAsLong());
    }
}

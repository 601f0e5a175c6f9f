package io.lunkeeper.target.scsi;

import java.util.concurrent.atomic.LongAdder;

/// How much was read from a logical unit and written to it, by the commands that SPC-4 7.3.6
/// General Statistics and Performance log pages names, and by ORWRITE. Counts from many threads
/// cost each of them some nanoseconds.
final class AccessCounts {
    private final LongAdder readCommands = new LongAdder();
    private final LongAdder writeCommands = new LongAdder();
    private final LongAdder bytesReceived = new LongAdder();
    private final LongAdder bytesTransmitted = new LongAdder();
    private volatile Totals zero = new Totals(0, 0, 0, 0);

    /// Counts since the unit is served, or since a reset.
    ///
    /// @param bytesReceived of data for the medium that came from initiators
    /// @param bytesTransmitted of data of the medium that went to initiators
    record Totals(
            long readCommands, long writeCommands, long bytesReceived, long bytesTransmitted) {
        private Totals since(Totals other) {
            return new Totals(
                    readCommands - other.readCommands,
                    writeCommands - other.writeCommands,
                    bytesReceived - other.bytesReceived,
                    bytesTransmitted - other.bytesTransmitted);
        }
    }

    void readCommand() {
        readCommands.increment();
    }

    void writeCommand() {
        writeCommands.increment();
    }

    void received(int bytes) {
        bytesReceived.add(bytes);
    }

    void transmitted(int bytes) {
        bytesTransmitted.add(bytes);
    }

    Totals now() {
        return totals().since(zero);
    }

    /// Begins at zero again.
    void reset() {
        zero = totals();
    }

    private Totals totals() {
        return new Totals(
                readCommands.sum(),
                writeCommands.sum(),
                bytesReceived.sum(),
                bytesTransmitted.sum());
    }
}

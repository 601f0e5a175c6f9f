package io.lunkeeper.target.scsi;

import java.util.concurrent.atomic.LongAdder;

/// How much initiators read from a logical unit by READ, and wrote to it by WRITE, WRITE AND VERIFY
/// and ORWRITE. Counts from many threads cost each of them some nanoseconds.
public final class AccessCounts {
    private final LongAdder readCommands = new LongAdder();
    private final LongAdder writeCommands = new LongAdder();
    private final LongAdder readBytes = new LongAdder();
    private final LongAdder writtenBytes = new LongAdder();

    /// The counts of one moment. What was refused is not in them; what a disk failed is.
    ///
    /// @param readBytes of the medium that went to initiators
    /// @param writtenBytes for the medium that came from initiators
    public record Totals(
            long readCommands, long writeCommands, long readBytes, long writtenBytes) {}

    void readCommand() {
        readCommands.increment();
    }

    void writeCommand() {
        writeCommands.increment();
    }

    void read(int bytes) {
        readBytes.add(bytes);
    }

    void written(int bytes) {
        writtenBytes.add(bytes);
    }

    /// The counts of now; none of them ever falls.
    public Totals now() {
        return new Totals(
                readCommands.sum(), writeCommands.sum(), readBytes.sum(), writtenBytes.sum());
    }
}

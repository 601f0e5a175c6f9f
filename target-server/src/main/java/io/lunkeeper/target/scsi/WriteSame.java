package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// WRITE SAME (SBC-3, WRITE SAME(10) command): one block to many, or blocks given back.
///
/// What happens to the blocks: zeros with UNMAP are unmapped, or kept as unwritten space when they
/// are to be anchored; other zeros are made without writing them; anything else is written, even
/// with UNMAP, as unmapped blocks read as zeros (LBPRZ) and could not stand for it.
final class WriteSame {
    /// What is written at a time.
    private static final int PIECE_BYTES = 256 << 10;

    private final LogicalUnit unit;
    private final Cdb.WriteSame cdb;
    private final long offsetBytes;
    private final long lengthBytes;

    private WriteSame(LogicalUnit unit, Cdb.WriteSame cdb) {
        this.unit = unit;
        this.cdb = cdb;
        this.offsetBytes = unit.bytes(cdb.lba());
        this.lengthBytes = unit.bytes(cdb.blocks());
    }

    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.WriteSame cdb) {
        if (cdb.anchor() && !cdb.unmap()) {
            return unit.refuse(Sense.invalidFieldInCdb(1, 4));
        }
        if (cdb.blocks() == 0) {
            return unit.refuse(Sense.invalidFieldInCdb(operation.usage().transferLengthByte()));
        }
        Outcome.@Nullable Status refusal =
                unit.checkBlocks(
                        operation, cdb.lba(), cdb.blocks(), unit.limits().maxWriteSameBlocks());
        if (refusal != null) {
            return refusal;
        }
        WriteSame command = new WriteSame(unit, cdb);
        return cdb.noDataOut()
                ? command.erase()
                : new Outcome.ReceiveParameters(unit.limits().blockSizeBytes(), command::received);
    }

    /// The block stays on the heap until the I/O thread has it, at most 4096 bytes of it, as that
    /// step may never come when the task is aborted.
    private Outcome received(ByteBuf parameters, long announcedBytes) {
        if (announcedBytes != unit.limits().blockSizeBytes()) {
            return unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        }
        byte[] block = new byte[unit.limits().blockSizeBytes()];
        parameters.getBytes(parameters.readerIndex(), block);
        boolean zeros = IntStream.range(0, block.length).allMatch(i -> block[i] == 0);
        return zeros ? erase() : new Outcome.Blocking(() -> writeAll(block));
    }

    private Outcome erase() {
        return cdb.unmap() && !cdb.anchor()
                ? Unmap.one(unit, cdb.lba(), cdb.blocks())
                : new Outcome.Blocking(this::zero);
    }

    private Outcome zero() throws IOException {
        try {
            unit.backend().zero(offsetBytes, lengthBytes);
        } catch (IOException e) {
            throw MediumException.writing(cdb.lba(), e);
        }
        return unit.written(false);
    }

    private Outcome writeAll(byte[] block) throws IOException {
        ByteBuf piece = RepeatedBlock.of(block, (int) Math.min(PIECE_BYTES, lengthBytes));
        try {
            for (long done = 0; done < lengthBytes; done += PIECE_BYTES) {
                int length = (int) Math.min(PIECE_BYTES, lengthBytes - done);
                write(offsetBytes + done, piece.slice(0, length));
            }
        } finally {
            piece.release();
        }
        return unit.written(false);
    }

    private void write(long offset, ByteBuf piece) throws IOException {
        try {
            unit.backend().write(offset, piece);
        } catch (IOException e) {
            throw MediumException.writing(unit.lba(offset), e);
        }
    }
}

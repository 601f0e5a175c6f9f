package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// VERIFY (SBC-3, VERIFY(10) command): reads the blocks, or compares them with what the initiator
/// sends, in pieces of bounded size.
final class Verification {
    /// What is read of the medium at a time.
    private static final int PIECE_BYTES = 64 << 10;

    private static final long NO_MISMATCH = Long.MAX_VALUE;

    private final LogicalUnit unit;
    private final long offsetBytes;
    private final long lengthBytes;

    /// The blocks are on the medium.
    Verification(LogicalUnit unit, long lba, long blocks) {
        this.unit = unit;
        this.offsetBytes = unit.bytes(lba);
        this.lengthBytes = unit.bytes(blocks);
    }

    static Outcome begin(LogicalUnit unit, OperationCode operation, Cdb.Verify cdb) {
        if (cdb.byteCheck() == Cdb.ByteCheck.RESERVED) {
            return unit.refuse(Sense.invalidFieldInCdb(1, 2));
        }
        Outcome.@Nullable Status refusal =
                unit.checkBlocks(
                        operation, cdb.lba(), cdb.blocks(), unit.limits().maxTransferBlocks());
        if (refusal != null) {
            return refusal;
        }
        if (cdb.blocks() == 0) {
            return Outcome.Status.GOOD;
        }
        Verification verification = new Verification(unit, cdb.lba(), cdb.blocks());
        return verification.begin(cdb.byteCheck());
    }

    private Outcome begin(Cdb.ByteCheck byteCheck) {
        return switch (byteCheck) {
            case MEDIUM_ONLY -> mediumOnly();
            case ALL_DATA -> new Outcome.WriteMedium(comparison(), lengthBytes);
            case ONE_BLOCK ->
                    new Outcome.ReceiveParameters(
                            unit.limits().blockSizeBytes(), this::compareWithBlock);
            case RESERVED -> throw new AssertionError("refused before");
        };
    }

    /// BYTCHK 00b.
    Outcome mediumOnly() {
        return new Outcome.Blocking(this::readAll);
    }

    /// BYTCHK 01b: compares with what is written to it, and says in the end how that was.
    Outcome.DataSink comparison() {
        return new Comparison();
    }

    /// Finds what cannot be read.
    private Outcome readAll() throws IOException {
        ByteBuf piece = PooledByteBufAllocator.DEFAULT.directBuffer(PIECE_BYTES);
        try {
            for (long position = 0; position < lengthBytes; position += PIECE_BYTES) {
                read(position, piece.clear(), (int) Math.min(PIECE_BYTES, lengthBytes - position));
            }
        } finally {
            piece.release();
        }
        return Outcome.Status.GOOD;
    }

    /// BYTCHK 11b. The block stays on the heap between the two steps, at most 4096 bytes of it, as
    /// the second may never come when the task is aborted.
    private Outcome compareWithBlock(ByteBuf parameters, long announcedBytes) {
        if (announcedBytes < unit.limits().blockSizeBytes()) {
            return unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        }
        byte[] block = new byte[unit.limits().blockSizeBytes()];
        parameters.getBytes(parameters.readerIndex(), block);
        return new Outcome.Blocking(() -> compareAll(block));
    }

    private Outcome compareAll(byte[] block) throws IOException {
        ByteBuf expected = RepeatedBlock.of(block, (int) Math.min(PIECE_BYTES, lengthBytes));
        try {
            Comparison comparison = new Comparison();
            for (long position = 0; position < lengthBytes; position += PIECE_BYTES) {
                int length = (int) Math.min(PIECE_BYTES, lengthBytes - position);
                comparison.write(position, expected.slice(0, length));
            }
            return comparison.complete();
        } finally {
            expected.release();
        }
    }

    private void read(long position, ByteBuf destination, int length) throws IOException {
        try {
            unit.backend().read(offsetBytes + position, destination, length);
        } catch (IOException e) {
            throw MediumException.reading(unit.lba(offsetBytes + position), e);
        }
    }

    /// Compares the medium with pieces as they arrive and keeps the lowest offset that differs.
    private final class Comparison implements Outcome.DataSink {
        private final AtomicLong firstMismatch = new AtomicLong(NO_MISMATCH);

        @Override
        public boolean tryWrite(long position, ByteBuf piece) {
            ByteBuf medium = PooledByteBufAllocator.DEFAULT.directBuffer(pieceBytes(piece));
            try {
                for (int done = 0; done < piece.readableBytes(); done += PIECE_BYTES) {
                    int length = Math.min(PIECE_BYTES, piece.readableBytes() - done);
                    long offset = offsetBytes + position + done;
                    if (!unit.backend().tryRead(offset, medium.clear(), length)) {
                        return false;
                    }
                    compare(position + done, medium, piece, done);
                }
            } finally {
                medium.release();
            }
            return true;
        }

        @Override
        public void write(long position, ByteBuf piece) throws IOException {
            ByteBuf medium = PooledByteBufAllocator.DEFAULT.directBuffer(pieceBytes(piece));
            try {
                for (int done = 0; done < piece.readableBytes(); done += PIECE_BYTES) {
                    int length = Math.min(PIECE_BYTES, piece.readableBytes() - done);
                    read(position + done, medium.clear(), length);
                    compare(position + done, medium, piece, done);
                }
            } finally {
                medium.release();
            }
        }

        @Override
        public Outcome complete() {
            long mismatch = firstMismatch.get();
            return mismatch == NO_MISMATCH
                    ? Outcome.Status.GOOD
                    : unit.refuse(Sense.miscompare(mismatch));
        }

        private int pieceBytes(ByteBuf piece) {
            return Math.min(PIECE_BYTES, piece.readableBytes());
        }

        private void compare(long position, ByteBuf medium, ByteBuf piece, int done) {
            int start = piece.readerIndex() + done;
            int length = medium.readableBytes();
            if (ByteBufUtil.equals(medium, 0, piece, start, length)) {
                return;
            }
            int same = 0;
            while (medium.getByte(same) == piece.getByte(start + same)) {
                same++;
            }
            firstMismatch.accumulateAndGet(position + same, Math::min);
        }
    }
}

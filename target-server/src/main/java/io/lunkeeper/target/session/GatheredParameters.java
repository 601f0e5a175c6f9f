package io.lunkeeper.target.session;

import io.lunkeeper.target.scsi.Outcome;
import io.lunkeeper.target.scsi.Outcome.DataSink;
import io.lunkeeper.target.scsi.Outcome.ParameterStep;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/// A parameter list on its way in, gathered whole before the command looks at it.
final class GatheredParameters implements DataSink {
    private final ByteBuf parameters;
    private final long announcedBytes;
    private final ParameterStep next;

    /// @param lengthBytes at most `DeviceServer.MAX_PARAMETER_LIST_BYTES`
    /// @param announcedBytes what the initiator announced
    GatheredParameters(int lengthBytes, long announcedBytes, ParameterStep next) {
        this.announcedBytes = announcedBytes;
        this.parameters = Unpooled.wrappedBuffer(new byte[lengthBytes]);
        this.next = next;
    }

    @Override
    public boolean tryWrite(long position, ByteBuf piece) {
        parameters.setBytes((int) position, piece, piece.readerIndex(), piece.readableBytes());
        return true;
    }

    @Override
    public void write(long position, ByteBuf piece) {
        throw new IllegalStateException("tryWrite takes everything");
    }

    @Override
    public Outcome complete() {
        return next.received(parameters, announcedBytes);
    }
}

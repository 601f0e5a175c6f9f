package io.lunkeeper.target.session;

import io.lunkeeper.target.scsi.Outcome;
import io.lunkeeper.target.scsi.Outcome.DataSource;
import io.netty.buffer.ByteBuf;

/// Parameter data on its way out: it is all here already.
record BufferSource(ByteBuf data) implements DataSource {

    @Override
    public boolean tryRead(long position, ByteBuf destination, int lengthBytes) {
        destination.writeBytes(data, data.readerIndex() + (int) position, lengthBytes);
        return true;
    }

    @Override
    public void read(long position, ByteBuf destination, int lengthBytes, Outcome.ReadEnd then) {
        throw new IllegalStateException("tryRead gives everything");
    }
}

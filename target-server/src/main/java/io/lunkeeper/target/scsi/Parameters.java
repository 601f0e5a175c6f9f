package io.lunkeeper.target.scsi;

import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.jscsi.target.scsi.ISerializable;

/// Parameter data on its way to the initiator.
final class Parameters {
    private Parameters() {}

    /// Parameter data cut to what the initiator has room for (SPC-4 4.2.5.6 Allocation length). The
    /// bytes are shared, not copied: they must not change any more.
    static Outcome cut(byte[] data, long allocationLength) {
        int length = (int) Math.min(data.length, allocationLength);
        return new Outcome.ParameterData(Unpooled.wrappedBuffer(data, 0, length).asReadOnly());
    }

    /// The wire form of one of jSCSI's value classes.
    static byte[] bytes(ISerializable value) {
        ByteBuffer buffer = ByteBuffer.allocate(value.size());
        value.serialize(buffer, 0);
        return buffer.array();
    }
}

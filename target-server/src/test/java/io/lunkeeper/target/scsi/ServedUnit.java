package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A device server over one real image, and the least transport there can be: it drives an
/// [Outcome] to its end on the calling thread, medium data in pieces of an odd number of blocks.
final class ServedUnit implements AutoCloseable {
    static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    static final int LUN = 5;
    static final long LUN_FIELD = 0x0005_0000_0000_0000L;

    private static final int PIECE_BYTES = 3 * 4096;

    private final LunBackend backend;
    private final AccessCounts accessCounts = new AccessCounts();
    private final DeviceServer server;
    private final Nexus nexus;

    /// What came back for one command.
    static final class Reply {
        private final int status;
        private final byte[] sense;
        private final byte[] data;

        Reply(int status, byte[] sense, byte[] data) {
            this.status = status;
            this.sense = sense;
            this.data = data;
        }

        int status() {
            return status;
        }

        byte[] sense() {
            return sense;
        }

        byte[] data() {
            return data;
        }

        boolean good() {
            return status == 0;
        }

        /// Sense key, additional sense code and qualifier, as `k/cc/qq`.
        String code() {
            if (sense.length == 0) {
                return "status " + Integer.toHexString(status);
            }
            boolean fixed = (sense[0] & 0x7e) == 0x70;
            return fixed
                    ? "%x/%02x/%02x".formatted(sense[2] & 0x0f, sense[12], sense[13])
                    : "%x/%02x/%02x".formatted(sense[1] & 0x0f, sense[2], sense[3]);
        }

        /// The INFORMATION field of fixed format sense data, -1 when it is not valid.
        long information() {
            return (sense[0] & 0x80) == 0 ? -1 : Unpooled.wrappedBuffer(sense).getUnsignedInt(3);
        }

        /// The sense key specific bytes.
        String pointer() {
            return HexFormat.of().formatHex(sense, 15, 18);
        }
    }

    private ServedUnit(LunSpec image, int physicalBlockSizeBytes) throws IOException {
        backend = LunBackend.open(image);
        try {
            server =
                    new DeviceServer(
                            TARGET,
                            List.of(
                                    new DeviceServer.LogicalUnitSpec(
                                            LUN,
                                            backend,
                                            image.blockSizeBytes(),
                                            physicalBlockSizeBytes,
                                            Optional.empty(),
                                            List.of(),
                                            accessCounts)));
        } catch (IOException e) {
            backend.close();
            throw e;
        }
        nexus = attach();
    }

    static ServedUnit open(Path directory, long sizeBytes, int blockSizeBytes, CacheMode cacheMode)
            throws IOException {
        return new ServedUnit(
                new LunSpec(
                        directory.resolve("image"),
                        OptionalLong.of(sizeBytes),
                        Allocation.SPARSE,
                        cacheMode,
                        blockSizeBytes,
                        false),
                4096);
    }

    static ServedUnit open(Path directory, long sizeBytes) throws IOException {
        return open(directory, sizeBytes, 512, CacheMode.WRITE_BACK);
    }

    static ServedUnit openReadOnly(Path directory, long sizeBytes) throws IOException {
        open(directory, sizeBytes).close();
        return openReadOnly(directory);
    }

    /// The same of an image that is there.
    static ServedUnit openReadOnly(Path directory) throws IOException {
        return new ServedUnit(
                new LunSpec(
                        directory.resolve("image"),
                        OptionalLong.empty(),
                        Allocation.SPARSE,
                        CacheMode.WRITE_BACK,
                        512,
                        true),
                4096);
    }

    DeviceServer server() {
        return server;
    }

    AccessCounts accessCounts() {
        return accessCounts;
    }

    Nexus nexus() {
        return nexus;
    }

    LunBackend backend() {
        return backend;
    }

    /// A nexus that has seen its first unit attention.
    Nexus attach() {
        return attach("iqn.1993-08.org.debian:test,i,0x000000000001");
    }

    /// The same for a port of this name.
    Nexus attach(String port) {
        Nexus attached = server.attach(port, 1);
        assertEquals("6/29/00", run(attached, "00 00 00 00 00 00").code());
        return attached;
    }

    static byte[] hex(String bytes) {
        return HexFormat.of().parseHex(bytes.replace(" ", ""));
    }

    /// The CDB in a transport's field of 16 bytes.
    static ByteBuf cdb(String bytes) {
        return Unpooled.buffer(16).writeBytes(hex(bytes)).setIndex(0, 16);
    }

    Outcome execute(String cdb) {
        return server.execute(nexus, LUN_FIELD, cdb(cdb));
    }

    Reply run(String cdb) {
        return run(nexus, cdb);
    }

    Reply run(String cdb, byte[] dataOut) {
        return drive(execute(cdb), dataOut);
    }

    Reply run(Nexus from, String cdb, byte[] dataOut) {
        return drive(server.execute(from, LUN_FIELD, cdb(cdb)), dataOut);
    }

    Reply run(Nexus from, String cdb) {
        return drive(server.execute(from, LUN_FIELD, cdb(cdb)), new byte[0]);
    }

    Reply run(long lun, String cdb) {
        return run(nexus, lun, cdb);
    }

    Reply run(long lun, String cdb, byte[] dataOut) {
        return drive(server.execute(nexus, lun, cdb(cdb)), dataOut);
    }

    Reply run(Nexus from, long lun, String cdb) {
        return drive(server.execute(from, lun, cdb(cdb)), new byte[0]);
    }

    private Reply drive(Outcome first, byte[] dataOut) {
        return drive(server, LUN_FIELD, first, dataOut);
    }

    /// Drives a command to its end.
    static Reply drive(DeviceServer server, long lun, Outcome first, byte[] dataOut) {
        Outcome outcome = first;
        while (true) {
            try {
                switch (outcome) {
                    case Outcome.Status(int status, ByteBuf sense) -> {
                        return new Reply(status, ByteBufUtil.getBytes(sense), new byte[0]);
                    }
                    case Outcome.ParameterData(ByteBuf data) -> {
                        return new Reply(0, new byte[0], ByteBufUtil.getBytes(data));
                    }
                    case Outcome.ReadMedium(Outcome.DataSource source, long length) -> {
                        return new Reply(0, new byte[0], read(source, (int) length));
                    }
                    case Outcome.WriteMedium(Outcome.DataSink sink, long length) -> {
                        assertEquals(length, dataOut.length);
                        write(sink, dataOut);
                        outcome = sink.complete();
                    }
                    case Outcome.ReceiveParameters(int length, Outcome.ParameterStep next) -> {
                        assertTrue(length <= DeviceServer.MAX_PARAMETER_LIST_BYTES);
                        int received = Math.min(length, dataOut.length);
                        outcome =
                                next.received(
                                        Unpooled.wrappedBuffer(dataOut, 0, received),
                                        dataOut.length);
                    }
                    case Outcome.Blocking(Outcome.BlockingStep work) -> outcome = work.run();
                    case Outcome.Awaiting(Outcome.AwaitedStep step) -> outcome = await(step);
                    case Outcome.Watching(Outcome.AwaitedStep step) -> outcome = await(step);
                }
            } catch (IOException e) {
                outcome = server.failed(lun, e);
            }
        }
    }

    private static Outcome await(Outcome.AwaitedStep step) {
        CompletableFuture<Outcome> next = new CompletableFuture<>();
        step.begin(next::complete);
        return next.join();
    }

    private static byte[] read(Outcome.DataSource source, int length) throws IOException {
        ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            for (int done = 0; done < length; done += PIECE_BYTES) {
                int piece = Math.min(PIECE_BYTES, length - done);
                if (!source.tryRead(done, buffer, piece)) {
                    CompletableFuture<@Nullable IOException> end = new CompletableFuture<>();
                    source.read(done, buffer, piece, end::complete);
                    IOException failure = end.join();
                    if (failure != null) {
                        throw failure;
                    }
                }
            }
            return ByteBufUtil.getBytes(buffer);
        } finally {
            buffer.release();
        }
    }

    private static void write(Outcome.DataSink sink, byte[] data) throws IOException {
        ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(data.length).writeBytes(data);
        try {
            int last = (data.length - 1) / PIECE_BYTES * PIECE_BYTES;
            for (int position = last; position >= 0; position -= PIECE_BYTES) {
                int piece = Math.min(PIECE_BYTES, data.length - position);
                ByteBuf slice = buffer.slice(position, piece);
                if (!sink.tryWrite(position, slice)) {
                    sink.write(position, slice);
                }
            }
        } finally {
            buffer.release();
        }
    }

    @Override
    public void close() throws IOException {
        backend.close();
    }
}

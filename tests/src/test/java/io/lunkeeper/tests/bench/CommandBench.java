package io.lunkeeper.tests.bench;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.PduDecoder;
import io.lunkeeper.target.pdu.PduEncoder;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.Nexus;
import io.lunkeeper.target.scsi.Outcome;
import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// The steps of a command that need no system call: from bytes to a PDU, from a CDB to an outcome,
/// from a response to bytes.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 1,
        jvmArgs = {
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dio.netty.noUnsafe=false",
            "-Dio.netty.leakDetection.level=disabled"
        })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CommandBench {
    private static final int DATA_BYTES = 4096;
    private static final long SIZE_BYTES = 1L << 30;

    /// CRC32C of headers and data, or none.
    @Param({"false", "true"})
    public boolean digests;

    private final PduDecoder decoder = new PduDecoder();
    private final PduEncoder encoder = new PduEncoder();
    private final ByteBuf write = Unpooled.directBuffer();
    private final ByteBuf cdb = Unpooled.buffer(16).writeBytes(Cdb.read10(8, 8)).setIndex(0, 16);
    private final CRC32C crc = new CRC32C();
    private Optional<Served> served = Optional.empty();

    /// A LUN and who asks for it.
    private record Served(Path image, LunBackend backend, DeviceServer device, Nexus nexus) {}

    /// Builds a WRITE of 4 KiB with its data, and a LUN.
    @Setup(Level.Trial)
    public void prepare() throws IOException {
        decoder.negotiated(digests, digests, 256 << 10);
        encoder.negotiated(digests, digests);
        write.writeByte(Pdu.SCSI_COMMAND).writeByte(0xa1).writeZero(2).writeInt(DATA_BYTES);
        write.writeLong(0).writeInt(1).writeInt(DATA_BYTES).writeInt(1).writeInt(0);
        write.writeBytes(Cdb.write10(8, 8)).writeZero(6);
        seal(0, Pdu.HEADER_BYTES);
        int data = write.writerIndex();
        write.writeZero(DATA_BYTES);
        seal(data, DATA_BYTES);
        Path image = Files.createTempDirectory("bench").resolve("image");
        LunBackend backend =
                LunBackend.open(
                        new LunSpec(
                                image,
                                OptionalLong.of(SIZE_BYTES),
                                Allocation.SPARSE,
                                CacheMode.WRITE_BACK,
                                512,
                                false));
        DeviceServer device =
                new DeviceServer(
                        "iqn.2026-11.io.lunkeeper:bench",
                        List.of(
                                new DeviceServer.LogicalUnitSpec(
                                        0, backend, 512, 4096, Optional.empty())));
        Nexus nexus = device.attach("iqn.2026-11.a:b,i,0x000000000001", 1);
        device.execute(nexus, 0, Unpooled.buffer(16).writeZero(16));
        served = Optional.of(new Served(image, backend, device, nexus));
    }

    private void seal(int start, int length) {
        if (digests) {
            crc.reset();
            crc.update(write.nioBuffer(start, length));
            write.writeIntLE((int) crc.getValue());
        }
    }

    /// Removes the LUN.
    @TearDown(Level.Trial)
    public void remove() throws IOException {
        Served gone = served.orElseThrow();
        gone.backend().close();
        Files.delete(gone.image());
        Files.delete(gone.image().toAbsolutePath().getParent());
    }

    /// A WRITE with 4 KiB of immediate data.
    @Benchmark
    public @Nullable RequestPdu decode() throws MalformedPduException {
        write.readerIndex(0);
        return decoder.next(write);
    }

    /// READ(10) to what it needs next.
    @Benchmark
    public Outcome execute() {
        Served now = served.orElseThrow();
        return now.device().execute(now.nexus(), 0, cdb);
    }

    /// A Data-In of 4 KiB with the status.
    @Benchmark
    public int encode() {
        ByteBuf pdu = encoder.allocate(PooledByteBufAllocator.DEFAULT, DATA_BYTES);
        pdu.writerIndex(pdu.writerIndex() + DATA_BYTES);
        encoder.encode(
                new ResponsePdu.DataIn(
                        true,
                        false,
                        true,
                        0,
                        0,
                        1,
                        RequestPdu.RESERVED_TAG,
                        1,
                        2,
                        130,
                        0,
                        0,
                        ResponsePdu.Residual.NONE),
                pdu);
        int bytes = pdu.readableBytes();
        pdu.release();
        return bytes;
    }
}

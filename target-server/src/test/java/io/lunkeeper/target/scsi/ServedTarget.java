package io.lunkeeper.target.scsi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// A target of several logical units, for what goes on between them: 0 and 1 have blocks of 512
/// bytes, 2 of 4096, 3 has no write cache.
final class ServedTarget implements AutoCloseable {
    static final int UNIT_BYTES = 8 << 20;
    private static final int UNITS = 4;

    private final String name;
    private final List<LunBackend> backends = new ArrayList<>();
    private final DeviceServer server;
    private final Nexus nexus;

    /// @param name the target's iSCSI name
    ServedTarget(Path directory, String name) throws IOException {
        this.name = name;
        List<DeviceServer.LogicalUnitSpec> units = new ArrayList<>();
        for (int lun = 0; lun < UNITS; lun++) {
            int blockBytes = lun == 2 ? 4096 : 512;
            CacheMode mode = lun == 3 ? CacheMode.WRITE_THROUGH : CacheMode.WRITE_BACK;
            String image = name.substring(name.indexOf(':') + 1) + lun;
            LunBackend backend =
                    LunBackend.open(
                            new LunSpec(
                                    directory.resolve(image),
                                    OptionalLong.of(UNIT_BYTES),
                                    Allocation.SPARSE,
                                    mode,
                                    blockBytes,
                                    false));
            backends.add(backend);
            units.add(
                    new DeviceServer.LogicalUnitSpec(
                            lun, backend, blockBytes, 4096, Optional.empty()));
        }
        server = new DeviceServer(name, units);
        nexus = attach("iqn.1993-08.org.debian:test,i,0x000000000001");
    }

    /// A nexus that has seen its first unit attention of every unit.
    Nexus attach(String port) {
        return attach(port, LunMap.ALL);
    }

    Nexus attach(String port, LunMap mask) {
        Nexus attached = server.attach(port, 1, mask);
        for (int lun = 0; lun < UNITS; lun++) {
            assertEquals("6/29/00", run(attached, lun, "00 00", new byte[0]).code());
        }
        return attached;
    }

    DeviceServer server() {
        return server;
    }

    Nexus nexus() {
        return nexus;
    }

    LunBackend backend(int lun) {
        return backends.get(lun);
    }

    UnitIdentity identity(int lun) {
        return UnitIdentity.derive(name, lun, Optional.empty());
    }

    Outcome execute(Nexus from, int lun, String cdb) {
        return server.execute(from, LunField.of(lun), ServedUnit.cdb(cdb));
    }

    ServedUnit.Reply run(Nexus from, int lun, String cdb, byte[] dataOut) {
        return ServedUnit.drive(server, LunField.of(lun), execute(from, lun, cdb), dataOut);
    }

    ServedUnit.Reply run(int lun, String cdb) {
        return run(nexus, lun, cdb, new byte[0]);
    }

    /// Fills a stretch with bytes that tell where they are.
    byte[] fill(int lun, int offset, int length, int seed) throws IOException {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (seed + (offset + i) / 512 * 31 + i % 509);
        }
        var buffer = PooledByteBufAllocator.DEFAULT.directBuffer(length).writeBytes(bytes);
        try {
            backend(lun).write(offset, buffer);
        } finally {
            buffer.release();
        }
        return bytes;
    }

    byte[] read(int lun, int offset, int length) throws IOException {
        var buffer = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            backend(lun).read(offset, buffer, length);
            return ByteBufUtil.getBytes(buffer);
        } finally {
            buffer.release();
        }
    }

    void assertUntouched(int lun) throws IOException {
        assertTrue(
                Arrays.equals(new byte[UNIT_BYTES], read(lun, 0, UNIT_BYTES)),
                () -> "LUN " + lun + " was written");
    }

    @Override
    public void close() throws IOException {
        for (LunBackend backend : backends) {
            backend.close();
        }
    }
}

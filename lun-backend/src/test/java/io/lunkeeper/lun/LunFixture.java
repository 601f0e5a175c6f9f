package io.lunkeeper.lun;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Short ways to say what the tests of this room say often.
final class LunFixture {
    private LunFixture() {}

    static LunSpec spec(Path image, long sizeBytes, Allocation allocation, CacheMode mode) {
        return new LunSpec(image, OptionalLong.of(sizeBytes), allocation, mode, 512, false);
    }

    static LunSpec sparse(Path image, long sizeBytes) {
        return spec(image, sizeBytes, Allocation.SPARSE, CacheMode.WRITE_BACK);
    }

    static LunSpec readOnly(Path image) {
        return new LunSpec(
                image, OptionalLong.empty(), Allocation.SPARSE, CacheMode.WRITE_BACK, 512, true);
    }

    static ByteBuf buffer(byte[] bytes) {
        return PooledByteBufAllocator.DEFAULT.directBuffer(bytes.length + 1).writeBytes(bytes);
    }

    static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /// Writes on the slow path.
    static void write(LunBackend lun, long offset, byte[] bytes) throws IOException {
        ByteBuf source = buffer(bytes);
        try {
            lun.write(offset, source);
        } finally {
            source.release();
        }
    }

    static boolean tryWrite(LunBackend lun, long offset, byte[] bytes) {
        ByteBuf source = buffer(bytes);
        try {
            return lun.tryWrite(offset, source);
        } finally {
            source.release();
        }
    }

    /// Reads on the slow path.
    static byte[] read(LunBackend lun, long offset, int length) throws IOException {
        ByteBuf destination = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            lun.read(offset, destination, length);
            return taken(destination, length);
        } finally {
            destination.release();
        }
    }

    static boolean tryRead(LunBackend lun, long offset, int length) {
        ByteBuf destination = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            boolean read = lun.tryRead(offset, destination, length);
            assert destination.readableBytes() == (read ? length : 0);
            return read;
        } finally {
            destination.release();
        }
    }

    /// Reads as a device server does: at once if that can be, else on the slow path.
    static byte[] readAnyWay(LunBackend lun, long offset, int length) throws IOException {
        ByteBuf destination = PooledByteBufAllocator.DEFAULT.directBuffer(length);
        try {
            if (!lun.tryRead(offset, destination, length)) {
                lun.read(offset, destination, length);
            }
            return taken(destination, length);
        } finally {
            destination.release();
        }
    }

    /// Writes as a device server does: at once if that can be, else on the slow path.
    static void writeAnyWay(LunBackend lun, long offset, byte[] bytes) throws IOException {
        ByteBuf source = buffer(bytes);
        try {
            if (!lun.tryWrite(offset, source)) {
                lun.write(offset, source);
            }
            assert source.readableBytes() == bytes.length;
        } finally {
            source.release();
        }
    }

    /// Unmaps and waits until it is done.
    static void unmap(LunBackend lun, long offset, long length) throws IOException {
        CompletableFuture<@Nullable IOException> answer = new CompletableFuture<>();
        lun.unmap(offset, length, answer::complete);
        IOException failure = answer.join();
        if (failure != null) {
            throw failure;
        }
    }

    private static byte[] taken(ByteBuf destination, int length) {
        assert destination.readableBytes() == length;
        byte[] bytes = new byte[length];
        destination.readBytes(bytes);
        return bytes;
    }
}

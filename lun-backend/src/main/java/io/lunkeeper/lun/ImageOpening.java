package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFullException;
import io.lunkeeper.lun.image.ImageRefusedException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// Opens, creates or extends the image that a [LunSpec] asks for, or refuses in one line that names
/// the image and what would be right. A refusal leaves nothing behind and nothing changed.
final class ImageOpening {
    /// How much is filled with zeros before anybody asks how far it is.
    private static final long PIECE_BYTES = 64L << 20;

    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(5);

    /// What no disk writes before somebody wonders what is going on.
    private static final long LONG_FILL_BYTES = 1L << 30;

    private static final Logger LOG = LogManager.getLogger(ImageOpening.class);

    private final LunSpec spec;
    private final Preparation preparation;
    private final String image;

    private ImageOpening(LunSpec spec, Preparation preparation) {
        this.spec = spec;
        this.preparation = preparation;
        this.image = "image " + spec.image();
    }

    /// Opens, creates or extends; the image is owned, has its size and the space asked for.
    ///
    /// @param preparation is told of a long allocation, and may end it
    static ImageFile open(LunSpec spec, Preparation preparation) throws IOException {
        ImageOpening opening = new ImageOpening(spec, preparation);
        return opening.refusing(opening::open);
    }

    private interface Step<T> {
        T run() throws IOException;
    }

    private <T> T refusing(Step<T> step) throws IOException {
        try {
            return step.run();
        } catch (ImageRefusedException e) {
            throw new LunOpenException(e.getMessage() + "", e);
        } catch (ImageFullException e) {
            throw new LunOpenException(
                    image + ": the file system is full; make room or choose a smaller size", e);
        }
    }

    private ImageFile open() throws IOException {
        if (spec.blockSizeBytes() != 512 && spec.blockSizeBytes() != 4096) {
            throw new LunOpenException(
                    image + ": block size " + spec.blockSizeBytes() + " is neither 512 nor 4096");
        }
        if (spec.sizeBytes().isPresent()) {
            checkSize(spec.sizeBytes().getAsLong(), "the size asked for");
        }
        if (Files.exists(spec.image())) {
            return openExisting();
        }
        if (spec.sizeBytes().isEmpty()) {
            throw new LunOpenException(
                    image + " does not exist; correct the path, or give a size to create it");
        }
        if (spec.readOnly()) {
            throw new LunOpenException(
                    image + " does not exist, and a read-only LUN does not create one");
        }
        return create(spec.sizeBytes().getAsLong());
    }

    private void checkSize(long sizeBytes, String what) throws LunOpenException {
        if (sizeBytes <= 0) {
            throw new LunOpenException(
                    image + ": " + what + " is " + sizeBytes + " bytes; a LUN needs a block");
        }
        if (sizeBytes % spec.blockSizeBytes() != 0) {
            throw new LunOpenException(
                    image
                            + ": "
                            + what
                            + ", "
                            + sizeBytes
                            + " bytes, is not a multiple of the"
                            + " block size, "
                            + spec.blockSizeBytes());
        }
        if (sizeBytes > ExtentTree.MAX_SIZE_BYTES) {
            throw new LunOpenException(
                    image
                            + ": "
                            + what
                            + ", "
                            + sizeBytes
                            + " bytes, is more than the "
                            + ExtentTree.MAX_SIZE_BYTES
                            + " that can be served");
        }
    }

    private void checkAlignment(ImageFile opened, long sizeBytes) throws LunOpenException {
        if (sizeBytes % opened.writeAlignment() != 0) {
            throw new LunOpenException(
                    image
                            + ": its size, "
                            + sizeBytes
                            + " bytes, is not a multiple of the "
                            + opened.writeAlignment()
                            + " that direct input and output needs;"
                            + " use another cache mode");
        }
    }

    private ImageFile openExisting() throws IOException {
        ImageFile opened =
                ImageFile.open(spec.image(), spec.readOnly(), spec.cacheMode().directIo());
        try {
            long sizeBytes = opened.sizeBytes();
            long wantedBytes = spec.sizeBytes().orElse(sizeBytes);
            checkSize(wantedBytes, "its size");
            resize(opened, sizeBytes, wantedBytes);
            return opened;
        } catch (IOException | RuntimeException e) {
            close(opened, e);
            throw e;
        }
    }

    /// Makes an image that is being served larger, with space for the new part as the specification
    /// says. It reads as zeros. Not yet durable.
    ///
    /// @throws LunOpenException when it cannot be had; the size is as before
    static void grow(LunSpec spec, ImageFile opened, long sizeBytes, Preparation preparation)
            throws IOException {
        ImageOpening opening = new ImageOpening(spec, preparation);
        opening.checkSize(sizeBytes, "the size asked for");
        opening.refusing(() -> {
            opening.resize(opened, opened.sizeBytes(), sizeBytes);
            return opened;
        });
    }

    /// Sets the size and takes the space that the specification asks for.
    private void resize(ImageFile opened, long fromBytes, long toBytes) throws IOException {
        if (toBytes < fromBytes || (spec.readOnly() && toBytes > fromBytes)) {
            throw new LunOpenException(
                    image
                            + " has "
                            + fromBytes
                            + " bytes, but the size asked for is "
                            + toBytes
                            + (spec.readOnly()
                                    ? "; a read-only image keeps its size: leave the size out"
                                    : "; an image only grows: correct the size or leave it out"));
        }
        checkAlignment(opened, toBytes);
        if (spec.readOnly()) {
            return;
        }
        checkRoom(missingBytes(opened, fromBytes, toBytes));
        if (toBytes > fromBytes) {
            opened.resize(toBytes);
        }
        try {
            switch (spec.allocation()) {
                case SPARSE -> {}
                case RESERVE -> reserve(opened, toBytes);
                case FULL -> fill(opened, fromBytes, toBytes);
            }
        } catch (IOException | RuntimeException e) {
            opened.resize(fromBytes);
            throw e;
        }
    }

    /// Writes zeros, to the disk as it goes, and says how far it is: this can take hours.
    private void fill(ImageFile opened, long fromBytes, long toBytes) throws IOException {
        long ofBytes = toBytes - fromBytes;
        if (ofBytes >= LONG_FILL_BYTES) {
            LOG.info("{}: filling {} MiB with zeros", image, ofBytes >> 20);
        }
        long reported = System.nanoTime();
        for (long at = fromBytes; at < toBytes; at += PIECE_BYTES) {
            preparation.filled(at - fromBytes, ofBytes);
            if (preparation.stopping()) {
                throw new InterruptedIOException(image + ": stopped while it was filled");
            }
            long bytes = Math.min(PIECE_BYTES, toBytes - at);
            opened.writeZeros(at, bytes);
            opened.startWriteback(at, bytes);
            if (System.nanoTime() - reported >= REPORT_NANOS) {
                reported = System.nanoTime();
                long doneBytes = at + bytes - fromBytes;
                LOG.info(
                        "{}: filled {} of {} MiB, {} %",
                        image, doneBytes >> 20, ofBytes >> 20, 100 * doneBytes / ofBytes);
            }
        }
        if (ofBytes > 0) {
            preparation.filled(ofBytes, ofBytes);
        }
    }

    private long missingBytes(ImageFile opened, long fromBytes, long toBytes) throws IOException {
        return switch (spec.allocation()) {
            case SPARSE -> 0;
            case RESERVE -> toBytes - opened.allocatedBytes();
            case FULL -> toBytes - fromBytes;
        };
    }

    private ImageFile create(long sizeBytes) throws IOException {
        MissingDirectories directories = new MissingDirectories(spec.image());
        try {
            directories.create();
            return createIn(sizeBytes);
        } catch (FileSystemException e) {
            directories.remove(e);
            throw new LunOpenException(
                    image + " cannot be created: " + e.getFile() + ": " + reason(e), e);
        } catch (IOException | RuntimeException e) {
            directories.remove(e);
            throw e;
        }
    }

    private static String reason(FileSystemException e) {
        return e instanceof AccessDeniedException
                ? "this user may not write there"
                : String.valueOf(e.getReason());
    }

    private ImageFile createIn(long sizeBytes) throws IOException {
        ImageFile created = ImageFile.create(spec.image(), spec.cacheMode().directIo());
        try {
            resize(created, 0, sizeBytes);
            created.syncCreation();
            return created;
        } catch (IOException | RuntimeException e) {
            close(created, e);
            delete(e);
            throw e;
        }
    }

    private void reserve(ImageFile opened, long sizeBytes) throws IOException {
        if (!opened.allocate(0, sizeBytes)) {
            throw new LunOpenException(
                    image + ": this file system cannot reserve space; allocate it full or sparse");
        }
    }

    /// Refuses before anything is taken: an allocation that fails half-way keeps what it got.
    private void checkRoom(long neededBytes) throws IOException {
        Path directory = spec.image().toAbsolutePath().getParent();
        if (directory == null) {
            return;
        }
        long usableBytes = Files.getFileStore(directory).getUsableSpace();
        if (neededBytes > usableBytes) {
            throw new LunOpenException(
                    image
                            + " needs "
                            + neededBytes
                            + " bytes more, but its file system has "
                            + usableBytes
                            + "; make room or choose a smaller size");
        }
    }

    /// Closes an image that will not be served after all.
    static void close(ImageFile opened, Exception failure) {
        try {
            opened.close();
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private void delete(Exception failure) {
        try {
            Files.deleteIfExists(spec.image());
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }
}

package io.lunkeeper.lun;

import io.lunkeeper.lun.extent.ExtentTree;
import io.lunkeeper.lun.image.ImageFile;
import io.lunkeeper.lun.image.ImageFullException;
import io.lunkeeper.lun.image.ImageRefusedException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Opens or creates the image that a [LunSpec] asks for, or refuses in one line that names the
/// image and what would be right. A refusal leaves nothing behind and nothing changed.
final class ImageOpening {
    private final LunSpec spec;
    private final String image;

    private ImageOpening(LunSpec spec) {
        this.spec = spec;
        this.image = "image " + spec.image();
    }

    /// Opens or creates; the image is owned, has its size and the space asked for.
    static ImageFile open(LunSpec spec) throws IOException {
        ImageOpening opening = new ImageOpening(spec);
        try {
            return opening.open();
        } catch (ImageRefusedException e) {
            throw new LunOpenException(e.getMessage() + "", e);
        } catch (ImageFullException e) {
            throw new LunOpenException(
                    opening.image + ": the file system is full; make room or choose a smaller size",
                    e);
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
            if (spec.sizeBytes().isPresent() && spec.sizeBytes().getAsLong() != sizeBytes) {
                throw new LunOpenException(
                        image
                                + " has "
                                + sizeBytes
                                + " bytes, but the size asked for is "
                                + spec.sizeBytes().getAsLong()
                                + "; correct the size or leave it out");
            }
            checkSize(sizeBytes, "its size");
            checkAlignment(opened, sizeBytes);
            if (spec.allocation() == Allocation.RESERVE && !spec.readOnly()) {
                checkRoom(sizeBytes - opened.allocatedBytes());
                reserve(opened, sizeBytes);
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            close(opened, e);
            throw e;
        }
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
        if (spec.allocation() != Allocation.SPARSE) {
            checkRoom(sizeBytes);
        }
        ImageFile created = ImageFile.create(spec.image(), spec.cacheMode().directIo());
        try {
            checkAlignment(created, sizeBytes);
            created.resize(sizeBytes);
            switch (spec.allocation()) {
                case SPARSE -> {}
                case RESERVE -> reserve(created, sizeBytes);
                case FULL -> created.writeZeros(0, sizeBytes);
            }
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

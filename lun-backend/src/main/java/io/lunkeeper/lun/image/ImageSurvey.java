package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.FileStatus;
import io.lunkeeper.lun.linux.OpenFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/// A look at an image from outside, as it is now. Opens it for reading, takes no lock and changes
/// nothing, so it may be made of an image that is in use.
public final class ImageSurvey {
    private final FileStatus status;
    private final boolean free;
    private final String openers;
    private final boolean inPlace;
    private final boolean delaying;
    private final Map<BlockState, Long> bytes = new EnumMap<>(BlockState.class);
    private final Map<BlockState, Long> extents = new EnumMap<>(BlockState.class);
    private boolean mapped;
    private long pieces;
    private long largestPiece;
    private long pieceBytes;
    private long lastEnd = Long.MIN_VALUE;

    private ImageSurvey(OpenFile file, Path path) throws IOException {
        status = file.status();
        if (!status.regular()) {
            throw new ImageRefusedException("image " + path + " is not a regular file");
        }
        free = ImageOwnership.free(file);
        openers = LockHolders.openers(path);
        inPlace = file.fileSystem().overwritesInPlace();
        delaying = file.fileSystem().delaysAllocation();
        mapped = FileExtents.map(file, 0, status.sizeBytes(), this::extent);
        if (!mapped) {
            clear();
            if (!FileExtents.seek(file, 0, status.sizeBytes(), this::extent)) {
                clear();
                extent(0, status.sizeBytes(), BlockState.UNKNOWN, ExtentVisitor.NOWHERE);
            }
        }
    }

    /// Surveys an image.
    ///
    /// @throws ImageRefusedException when it is not there, is no regular file or may not be opened
    public static ImageSurvey of(Path path) throws IOException {
        try (OpenFile file = OpenFile.open(path, OpenFile.Access.READ_ONLY, false)) {
            return new ImageSurvey(file, path);
        } catch (ImageRefusedException e) {
            throw e;
        } catch (IOException e) {
            throw new ImageRefusedException(
                    "image " + path + " cannot be opened: " + e.getMessage(), e);
        }
    }

    private void clear() {
        bytes.clear();
        extents.clear();
        pieces = 0;
        largestPiece = 0;
        lastEnd = Long.MIN_VALUE;
    }

    private void extent(long offset, long length, BlockState state, long physical) {
        long inside = Math.min(length, status.sizeBytes() - offset);
        bytes.merge(state, Math.max(0, inside), Long::sum);
        extents.merge(state, 1L, Long::sum);
        boolean goesOn = physical != ExtentVisitor.NOWHERE && physical == lastEnd;
        if (!goesOn) {
            pieces++;
            pieceBytes = 0;
        }
        pieceBytes += length;
        largestPiece = Math.max(largestPiece, pieceBytes);
        lastEnd = physical == ExtentVisitor.NOWHERE ? Long.MIN_VALUE : physical + length;
    }

    public long sizeBytes() {
        return status.sizeBytes();
    }

    public long allocatedBytes() {
        return status.allocatedBytes();
    }

    /// What direct input and output is aligned to, 0 when it is not offered or not known.
    public int directAlignment() {
        return status.directAlignment();
    }

    /// Whether no lock is in the way of serving it.
    public boolean free() {
        return free;
    }

    /// Other processes that have it open, in words; empty when none is known.
    public String openers() {
        return openers;
    }

    /// Whether an overwrite goes to where the data lies.
    public boolean overwritesInPlace() {
        return inPlace;
    }

    /// Whether a write into a hole only reserves space.
    public boolean delaysAllocation() {
        return delaying;
    }

    /// Whether the file system maps extents; if not, only data and holes are told apart, or
    /// nothing.
    public boolean mapped() {
        return mapped;
    }

    /// The bytes in a state; holes are what no extent covers.
    public long bytes(BlockState state) {
        if (state == BlockState.HOLE) {
            return status.sizeBytes() - bytes.values().stream().mapToLong(Long::longValue).sum();
        }
        return bytes.getOrDefault(state, 0L);
    }

    /// The extents in a state.
    public long extents(BlockState state) {
        return extents.getOrDefault(state, 0L);
    }

    /// Pieces that follow each other on the device without a gap.
    public long pieces() {
        return pieces;
    }

    /// The bytes of the largest of these.
    public long largestPiece() {
        return largestPiece;
    }
}

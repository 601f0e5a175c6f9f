package io.lunkeeper.lun;

import io.lunkeeper.lun.image.BlockState;
import io.lunkeeper.lun.image.ImageRefusedException;
import io.lunkeeper.lun.image.ImageSurvey;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What there is to know of an image before it is served, or while it is. Nothing is locked or
/// changed.
///
/// @param servable whether it could be served for writing now
/// @param lines the report, to be read by people
public record ImageReport(boolean servable, List<String> lines) {

    /// Looks at an image.
    ///
    /// @throws LunOpenException when there is nothing to look at, or it may not be looked at
    public static ImageReport of(Path image) throws IOException {
        ImageSurvey survey;
        try {
            survey = ImageSurvey.of(image);
        } catch (ImageRefusedException e) {
            throw new LunOpenException(e.getMessage() + "", e);
        }
        List<String> lines = new ArrayList<>();
        boolean writable = Files.isWritable(image);
        boolean blocks = survey.sizeBytes() > 0 && survey.sizeBytes() % 512 == 0;
        boolean servable = survey.free() && writable && blocks;
        lines.add(
                "image " + image + (servable ? " can be served" : " cannot be served for writing"));
        if (!survey.free()) {
            lines.add(line("locked", "yes, so it is in use; stop who uses it first"));
        }
        if (!writable) {
            lines.add(line("access", "this user may not write to it"));
        }
        if (!blocks) {
            lines.add(line("blocks", "its size is not a multiple of 512 bytes, or is zero"));
        }
        lines.add(
                line(
                        "open in",
                        survey.openers().isEmpty() ? "no other process" : survey.openers()));
        addSpace(lines, image, survey);
        addExtents(lines, survey);
        addWrites(lines, survey);
        return new ImageReport(servable, List.copyOf(lines));
    }

    private static void addSpace(List<String> lines, Path image, ImageSurvey survey)
            throws IOException {
        long size = survey.sizeBytes();
        lines.add(line("size", size + " bytes (" + bytes(size) + ")"));
        lines.add(
                line(
                        "allocated",
                        bytes(survey.allocatedBytes())
                                + ", "
                                + share(survey.allocatedBytes(), size)));
        FileStore store = Files.getFileStore(image);
        lines.add(
                line(
                        "file system",
                        store.type()
                                + " "
                                + store
                                + ", "
                                + bytes(store.getUsableSpace())
                                + " available"));
    }

    private static void addExtents(List<String> lines, ImageSurvey survey) {
        if (!survey.mapped()) {
            lines.add(line("extents", "this file system does not map them"));
        }
        for (BlockState state :
                List.of(
                        BlockState.MAPPED,
                        BlockState.SHARED,
                        BlockState.UNWRITTEN,
                        BlockState.UNKNOWN)) {
            long extents = survey.extents(state);
            if (extents > 0) {
                long held = survey.bytes(state);
                lines.add(
                        line(
                                state.name().toLowerCase(Locale.ROOT),
                                extents
                                        + (extents == 1 ? " extent, " : " extents, ")
                                        + bytes(held)
                                        + ", "
                                        + share(held, survey.sizeBytes())));
            }
        }
        long holes = survey.bytes(BlockState.HOLE);
        lines.add(line("holes", bytes(holes) + ", " + share(holes, survey.sizeBytes())));
        long held = survey.sizeBytes() - holes;
        if (survey.mapped() && held > 0) {
            lines.add(
                    line(
                            "pieces",
                            survey.pieces()
                                    + " on the device, "
                                    + bytes(held / survey.pieces())
                                    + " on average, "
                                    + bytes(survey.largestPiece())
                                    + " the largest"));
        }
    }

    private static void addWrites(List<String> lines, ImageSurvey survey) {
        long size = survey.sizeBytes();
        long atOnce = 0;
        if (survey.mapped() && survey.overwritesInPlace()) {
            atOnce =
                    survey.bytes(BlockState.MAPPED)
                            + survey.bytes(BlockState.UNWRITTEN)
                            + (survey.delaysAllocation() ? survey.bytes(BlockState.HOLE) : 0);
        }
        String rest = "; the rest must find or copy space first";
        if (!survey.overwritesInPlace()) {
            rest = "; this file system copies on every write";
        } else if (!survey.mapped()) {
            rest = "; nobody can tell where space is taken";
        } else if (atOnce == size) {
            rest = "";
        } else if (survey.delaysAllocation()) {
            rest = "; the rest must be copied first";
        }
        lines.add(line("writes", share(atOnce, size) + " can be written at once" + rest));
        lines.add(
                line(
                        "cache: direct",
                        survey.directAlignment() > 0
                                ? "possible, aligned to " + survey.directAlignment() + " bytes"
                                : "not known to be possible"));
    }

    private static String line(String what, String value) {
        return "  %-14s %s".formatted(what, value);
    }

    private static String share(long part, long whole) {
        return String.format(Locale.ROOT, "%.1f %%", whole == 0 ? 0 : 100.0 * part / whole);
    }

    private static String bytes(long bytes) {
        List<String> units = List.of("bytes", "KiB", "MiB", "GiB", "TiB", "PiB");
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.size() - 1) {
            value /= 1024;
            unit++;
        }
        return unit == 0
                ? bytes + " bytes"
                : String.format(Locale.ROOT, "%.1f %s", value, units.get(unit));
    }
}

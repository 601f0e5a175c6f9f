package io.lunkeeper.target.scsi;

import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/// What is to be done to every block of a medium, as it was asked for by FORMAT UNIT or SANITIZE
/// and as it is kept beside the image until it is done.
final class EraseJob {
    private final Method method;
    private final boolean unrestrictedExit;
    private final int passes;
    private final boolean invert;
    private final byte[] pattern;

    /// How blocks are erased.
    enum Method {
        /// FORMAT UNIT: they read as zeros, and what space they take is as configured.
        FORMAT,
        /// The block erase method of sanitize operations: the same.
        BLOCK_ERASE,
        /// The overwrite method of sanitize operations.
        OVERWRITE
    }

    private EraseJob(
            Method method, boolean unrestrictedExit, int passes, boolean invert, byte[] pattern) {
        this.method = method;
        this.unrestrictedExit = unrestrictedExit;
        this.passes = passes;
        this.invert = invert;
        this.pattern = pattern;
    }

    static EraseJob format() {
        return new EraseJob(Method.FORMAT, true, 1, false, new byte[1]);
    }

    /// @param unrestrictedExit whether a failure may be left by EXIT FAILURE MODE (AUSE)
    static EraseJob blockErase(boolean unrestrictedExit) {
        return new EraseJob(Method.BLOCK_ERASE, unrestrictedExit, 1, false, new byte[1]);
    }

    /// @param unrestrictedExit whether a failure may be left by EXIT FAILURE MODE (AUSE)
    /// @param passes how often every block is written, 1 to 31
    /// @param invert whether every second pass, counted from the last but one, writes the inverse
    /// @param pattern what a block begins with, over and over; at least a byte, at most a block
    static EraseJob overwrite(
            boolean unrestrictedExit, int passes, boolean invert, byte[] pattern) {
        return new EraseJob(Method.OVERWRITE, unrestrictedExit, passes, invert, pattern);
    }

    boolean sanitizes() {
        return method != Method.FORMAT;
    }

    boolean overwrites() {
        return method == Method.OVERWRITE;
    }

    boolean unrestrictedExit() {
        return unrestrictedExit;
    }

    int passes() {
        return passes;
    }

    /// What a block holds after a pass, counted from 0.
    byte[] block(int pass, int blockSizeBytes) {
        byte flip = (byte) (invert && (passes - 1 - pass) % 2 == 1 ? 0xff : 0);
        byte[] block = new byte[blockSizeBytes];
        for (int i = 0; i < block.length; i++) {
            block[i] = (byte) (pattern[i % pattern.length] ^ flip);
        }
        return block;
    }

    /// What the unit is while it is done.
    Sense inProgress() {
        return sanitizes()
                ? Sense.LOGICAL_UNIT_NOT_READY_SANITIZE_IN_PROGRESS
                : Sense.LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS;
    }

    /// What the command is told that began it when it fails.
    Sense failed() {
        return sanitizes() ? Sense.SANITIZE_COMMAND_FAILED : Sense.FORMAT_COMMAND_FAILED;
    }

    /// What other commands are told then.
    Sense afterFailure() {
        return sanitizes() ? Sense.SANITIZE_COMMAND_FAILED : Sense.MEDIUM_FORMAT_CORRUPTED;
    }

    /// In words that [#of] understands.
    Map<String, String> text() {
        Map<String, String> text = new HashMap<>();
        text.put("method", method.name());
        text.put("unrestricted", String.valueOf(unrestrictedExit));
        text.put("passes", String.valueOf(passes));
        text.put("invert", String.valueOf(invert));
        text.put("pattern", HexFormat.of().formatHex(pattern));
        return text;
    }

    /// @throws IllegalArgumentException when the words make no sense
    static EraseJob of(Map<String, String> text) {
        EraseJob job =
                new EraseJob(
                        Method.valueOf(word(text, "method")),
                        bool(text, "unrestricted"),
                        Integer.parseInt(word(text, "passes")),
                        bool(text, "invert"),
                        HexFormat.of().parseHex(word(text, "pattern")));
        if (job.passes < 1 || job.passes > 31 || job.pattern.length == 0) {
            throw new IllegalArgumentException("passes or pattern");
        }
        return job;
    }

    private static boolean bool(Map<String, String> text, String key) {
        return switch (word(text, key)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(key);
        };
    }

    private static String word(Map<String, String> text, String key) {
        String word = text.get(key);
        if (word == null) {
            throw new IllegalArgumentException(key + " is missing");
        }
        return word;
    }

    /// For the log.
    @Override
    public String toString() {
        return switch (method) {
            case FORMAT -> "format";
            case BLOCK_ERASE -> "sanitize, block erase";
            case OVERWRITE -> "sanitize, overwrite " + passes + " times";
        };
    }
}

package io.lunkeeper.target.config;

/// One thing that is wrong with a configuration, and where.
///
/// @param line from 1; 0 when the file as a whole is meant
/// @param key the path of the key, such as `targets[0].luns[1].cache`; empty when none is meant
/// @param message what is wrong and what would be right, in one line
public record Problem(int line, String key, String message) {

    /// This problem as one line that an editor can jump to: `FILE:LINE: KEY: MESSAGE`.
    ///
    /// @param file the file's name as the administrator gave it
    public String in(String file) {
        return file
                + (line > 0 ? ":" + line : "")
                + ": "
                + (key.isEmpty() ? "" : key + ": ")
                + message;
    }
}

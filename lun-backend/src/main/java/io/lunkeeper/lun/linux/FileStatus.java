package io.lunkeeper.lun.linux;

/// What a file is.
///
/// @param identity equal for two names of one file, hard links included
/// @param regular whether it is a regular file
/// @param directory whether it is a directory
/// @param sizeBytes its size
/// @param allocatedBytes the space it takes, at most; holes take none
/// @param directAlignment the alignment in bytes of offsets, lengths and memory that input and
///   output past the page cache need; 0 when the kernel does not tell
public record FileStatus(
        Object identity,
        boolean regular,
        boolean directory,
        long sizeBytes,
        long allocatedBytes,
        int directAlignment) {}

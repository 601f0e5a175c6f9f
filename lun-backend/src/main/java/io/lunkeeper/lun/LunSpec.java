package io.lunkeeper.lun;

import java.nio.file.Path;
import java.util.OptionalLong;

/// What an administrator asked of one image file.
///
/// @param image absolute path of the image
/// @param sizeBytes the size of the LUN; creates the image when it is missing. Empty: the image
///   must exist and its size counts. A multiple of `blockSizeBytes`
/// @param allocation when blocks are taken from the file system
/// @param cacheMode how writes travel to stable storage
/// @param blockSizeBytes the logical block size, 512 or 4096
/// @param readOnly whether the image is opened for reading only
/// @param tuning what may be chosen without harm
public record LunSpec(
        Path image,
        OptionalLong sizeBytes,
        Allocation allocation,
        CacheMode cacheMode,
        int blockSizeBytes,
        boolean readOnly,
        LunTuning tuning) {

    /// With the default tuning.
    public LunSpec(
            Path image,
            OptionalLong sizeBytes,
            Allocation allocation,
            CacheMode cacheMode,
            int blockSizeBytes,
            boolean readOnly) {
        this(image, sizeBytes, allocation, cacheMode, blockSizeBytes, readOnly, LunTuning.DEFAULT);
    }
}

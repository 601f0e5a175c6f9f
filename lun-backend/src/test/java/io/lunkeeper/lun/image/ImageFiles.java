package io.lunkeeper.lun.image;

import io.lunkeeper.lun.linux.OpenFile;
import java.io.IOException;
import java.nio.file.Path;

/// Images over files that tests make.
public final class ImageFiles {
    private ImageFiles() {}

    /// An image over an open file, which it owns from then on.
    public static ImageFile over(Path name, OpenFile file) throws IOException {
        return ImageFile.owned(name, file, false, false);
    }
}

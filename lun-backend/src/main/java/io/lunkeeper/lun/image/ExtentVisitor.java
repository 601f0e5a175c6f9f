package io.lunkeeper.lun.image;

/// Takes the extents of an image in order of their offsets. What lies between them is a hole.
@FunctionalInterface
public interface ExtentVisitor {
    /// The physical offset of an extent that lies nowhere, or nobody knows where.
    long NOWHERE = -1;

    /// Takes one extent.
    ///
    /// @param physical its offset on the device in bytes, or [#NOWHERE]
    void extent(long offset, long length, BlockState state, long physical);
}

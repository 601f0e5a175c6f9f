package io.lunkeeper.lun;

/// Who waits for an image to be ready to serve, which takes hours where it is filled with zeros.
/// Called by the thread that prepares it.
@FunctionalInterface
public interface Preparation {
    /// Whether the image is not wanted any more.
    boolean stopping();

    /// Takes note of how much has been filled; must not block. Not called when nothing is filled.
    ///
    /// @param ofBytes how much it will be in the end
    default void filled(long doneBytes, long ofBytes) {}
}

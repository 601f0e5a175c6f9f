/// The image file: its bytes and space, the ownership of it and how others learn of that, a watch
/// over both, and a small file beside it. May use the linux room. Start with [ImageFile], then
/// [ImageOwnership] and [ImageWatch].
@NullMarked
package io.lunkeeper.lun.image;

import org.jspecify.annotations.NullMarked;

/// The image file itself: opening or creating it, owning it, and its bytes. May use the system
/// calls (linux) and nothing else here. Start with [ImageFile], then [ImageOwnership].
@NullMarked
package io.lunkeeper.lun.image;

import org.jspecify.annotations.NullMarked;

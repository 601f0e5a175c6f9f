/// What is known of an image's blocks: knowledge, never authority. May use the image room and
/// nothing else here. Start with [ExtentTree], then [ExtentScanner].
@NullMarked
package io.lunkeeper.lun.extent;

import org.jspecify.annotations.NullMarked;

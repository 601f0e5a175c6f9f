/// System calls through java.lang.foreign, which no other package may use, and beside them a
/// portable file for systems that are not Linux. Uses nothing else here. Start with [OpenFile].
@NullMarked
package io.lunkeeper.lun.linux;

import org.jspecify.annotations.NullMarked;

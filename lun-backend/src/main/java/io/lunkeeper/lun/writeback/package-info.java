/// How written data reaches stable storage. May use the extent and image rooms and nothing else
/// here. Start with [FlushGate].
@NullMarked
package io.lunkeeper.lun.writeback;

import org.jspecify.annotations.NullMarked;

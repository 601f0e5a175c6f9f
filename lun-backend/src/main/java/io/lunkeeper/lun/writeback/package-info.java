/// How written data reaches the disk: what is dirty, batches of it before anybody asks, the
/// throttle when there is too much, and flushes that share one synchronization. May use the extent
/// and image rooms. Start with [WritebackBatcher], then [FlushGate].
@NullMarked
package io.lunkeeper.lun.writeback;

import org.jspecify.annotations.NullMarked;

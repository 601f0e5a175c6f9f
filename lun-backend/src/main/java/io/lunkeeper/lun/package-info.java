/// Blocks in, blocks out: the one door to an image file that this process alone owns. May use the
/// rooms below it (extent, writeback, image) and nothing of SCSI or iSCSI. Start with [LunBackend],
/// then [LunSpec].
@NullMarked
package io.lunkeeper.lun;

import org.jspecify.annotations.NullMarked;

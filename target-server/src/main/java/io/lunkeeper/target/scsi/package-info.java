/// What SCSI means (SAM-5, SPC-4, SBC-3): from a CDB to an [Outcome]. No iSCSI, no socket. May use
/// the LUN backend. Start with [DeviceServer], then [OperationCode] and [Outcome].
@NullMarked
package io.lunkeeper.target.scsi;

import org.jspecify.annotations.NullMarked;

/// The iSCSI wire format: bytes to [RequestPdu], [ResponsePdu] to bytes, digests included (RFC 7143
/// section 11). Bytes only: no session, no socket, no SCSI. Uses nothing else here. Start with
/// [PduDecoder], then [PduEncoder].
@NullMarked
package io.lunkeeper.target.pdu;

import org.jspecify.annotations.NullMarked;

package io.lunkeeper.target.session;

import io.lunkeeper.target.login.TextNegotiation;
import io.lunkeeper.target.pdu.MalformedPduException;
import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.RequestPdu.NopOut;
import io.lunkeeper.target.pdu.RequestPdu.TextRequest;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/// Answers to requests that concern neither SCSI nor the life of connections. Confined to the
/// session's thread.
final class Replies {
    private final CommandWindow<?> window;

    Replies(CommandWindow<?> window) {
        this.window = window;
    }

    /// RFC 7143 11.18 NOP-Out: a ping is echoed; an answer to ours needs none.
    void answer(Link link, NopOut request) {
        if (request.initiatorTaskTag() == RequestPdu.RESERVED_TAG) {
            return;
        }
        int echoed = Math.min(request.data().readableBytes(), link.initiatorSegmentBytes());
        ByteBuf pdu = link.allocate(echoed);
        pdu.writeBytes(request.data(), request.data().readerIndex(), echoed);
        link.send(
                new ResponsePdu.NopIn(
                        request.lun(),
                        request.initiatorTaskTag(),
                        RequestPdu.RESERVED_TAG,
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn()),
                pdu);
    }

    /// RFC 7143 11.10 Text Request.
    void answer(Link link, TextRequest request) throws MalformedPduException {
        TextNegotiation.TextReply reply = link.text().receive(request);
        link.initiatorSegmentBytes(link.text().maxDataSegmentBytes());
        byte[] bytes = reply.text().getBytes(StandardCharsets.UTF_8);
        ByteBuf pdu = link.allocate(bytes.length);
        pdu.writeBytes(bytes);
        link.send(
                new ResponsePdu.TextResponse(
                        reply.finalBit(),
                        reply.continueBit(),
                        request.lun(),
                        request.initiatorTaskTag(),
                        reply.targetTransferTag(),
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn()),
                pdu);
    }

    /// RFC 7143 11.17 Reject.
    ///
    /// @param header the 48 bytes of the PDU that is refused
    /// @param nextNumber of a Data/R2T SNACK; see [RejectedPduException#nextNumber]
    void reject(Link link, int reason, byte[] header, int nextNumber) {
        ByteBuf pdu = link.allocate(header.length);
        pdu.writeBytes(header);
        link.send(
                new ResponsePdu.Reject(
                        reason,
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn(),
                        nextNumber),
                pdu);
    }
}

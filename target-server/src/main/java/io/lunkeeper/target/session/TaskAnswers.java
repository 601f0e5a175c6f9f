package io.lunkeeper.target.session;

import io.lunkeeper.target.pdu.RequestPdu;
import io.lunkeeper.target.pdu.ResponsePdu;
import io.lunkeeper.target.pdu.ResponsePdu.Residual;
import io.lunkeeper.target.scsi.Outcome.Status;
import io.netty.buffer.ByteBuf;

/// The PDUs that the tasks of one session send: what each is and when is the task's to say, how it
/// is numbered is said here. Confined to the session's thread.
final class TaskAnswers {
    private final CommandWindow<?> window;
    private int nextTransferTag;

    TaskAnswers(CommandWindow<?> window) {
        this.window = window;
    }

    /// Sends the Ready To Transfers that are due.
    void requestData(Task task, DataOutTransfer transfer) {
        while (transfer.wantsRequest()) {
            if (++nextTransferTag == RequestPdu.RESERVED_TAG) {
                nextTransferTag = 0;
            }
            send(task, transfer.request(nextTransferTag));
        }
    }

    /// Sends those again that were lost and are not answered.
    void requestAgain(Task task, DataOutTransfer transfer) {
        transfer.takeRepeats().forEach(request -> send(task, request));
    }

    private void send(Task task, DataOutTransfer.Request request) {
        Link link = task.link();
        link.send(
                new ResponsePdu.ReadyToTransfer(
                        task.addressedAs(),
                        task.initiatorTaskTag(),
                        request.targetTransferTag(),
                        link.peekStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn(),
                        request.r2tSn(),
                        request.offset(),
                        request.length()));
    }

    /// Sends a Data-In PDU. Where sequences end, and are not the end of all, the initiator is to
    /// acknowledge them if it may ask for them again: no more often (RFC 7143 11.7.2 A
    /// (Acknowledge) Bit).
    ///
    /// @param transfer what it is part of; the PDU counts as sent
    /// @param bytes how much data it has
    /// @param withStatus whether it ends the task, with GOOD and this residual
    /// @param pdu the data is in it
    void dataIn(
            Task task,
            DataInTransfer transfer,
            int bytes,
            boolean withStatus,
            Residual residual,
            ByteBuf pdu) {
        Link link = task.link();
        boolean endOfSequence = transfer.endsSequence();
        boolean acknowledge =
                endOfSequence && !transfer.finished() && link.unacknowledged() != null;
        link.send(
                new ResponsePdu.DataIn(
                        endOfSequence,
                        acknowledge,
                        withStatus,
                        Status.GOOD.status(),
                        task.addressedAs(),
                        task.initiatorTaskTag(),
                        acknowledge ? task.initiatorTaskTag() : RequestPdu.RESERVED_TAG,
                        withStatus ? link.takeStatSn() : 0,
                        window.expCmdSn(),
                        window.maxCmdSn(),
                        transfer.dataSn() - 1,
                        transfer.position() - bytes,
                        residual),
                pdu);
    }

    /// Sends the response that ends a task.
    ///
    /// @param numberOfDataPdus Data-In or R2T PDUs sent for it
    void respond(Task task, Status status, int numberOfDataPdus, Residual residual) {
        Link link = task.link();
        ByteBuf sense = status.sense();
        int senseBytes = sense.readableBytes();
        ByteBuf pdu = link.allocate(senseBytes == 0 ? 0 : senseBytes + 2);
        if (senseBytes > 0) {
            // RFC 7143 11.4.7 Data Segment - Sense and Response Data Segment: SenseLength first.
            pdu.writeShort(senseBytes);
            pdu.writeBytes(sense, sense.readerIndex(), senseBytes);
        }
        link.send(
                new ResponsePdu.ScsiResponse(
                        0,
                        status.status(),
                        task.initiatorTaskTag(),
                        link.snackTag(task.initiatorTaskTag()),
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn(),
                        numberOfDataPdus,
                        residual),
                pdu);
    }
}

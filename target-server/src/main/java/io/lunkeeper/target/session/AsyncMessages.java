package io.lunkeeper.target.session;

import io.lunkeeper.target.login.SessionParameters;
import io.lunkeeper.target.pdu.ResponsePdu;

/// What a target tells an initiator unasked (RFC 7143 11.9 Asynchronous Message), on one of its
/// connections and on its thread.
///
/// Two of the events are missing. The target never wants to negotiate anew (4), and SCSI events (0)
/// belong to a reporting that SPC-3 made obsolete: unit attentions tell the same.
final class AsyncMessages {
    // 11.9.1 AsyncEvent.
    private static final int LOGOUT_REQUESTED = 1;
    private static final int CONNECTION_DROPPED = 2;
    private static final int SESSION_DROPPED = 3;
    private static final int TASKS_TERMINATED = 5;

    private final SessionParameters parameters;
    private final CommandWindow<?> window;

    AsyncMessages(SessionParameters parameters, CommandWindow<?> window) {
        this.parameters = parameters;
        this.window = window;
    }

    /// The initiator is to log out. What it has sent is carried out meanwhile.
    ///
    /// @param seconds the time it has for that
    void requestLogout(Link link, int seconds) {
        send(link, LOGOUT_REQUESTED, 0, 0, seconds);
    }

    /// The connection will be closed, and there will be no responses but those that were sent.
    ///
    /// @param retainSeconds how long the initiator may take to connect again; 0: nothing is kept
    void droppingConnection(Link link, int retainSeconds) {
        send(link, CONNECTION_DROPPED, link.cid(), parameters.defaultTime2Wait(), retainSeconds);
    }

    /// The same of all connections of the session.
    void droppingSession(Link link, int retainSeconds) {
        send(link, SESSION_DROPPED, 0, parameters.defaultTime2Wait(), retainSeconds);
    }

    /// All tasks of a logical unit end without a response. For sessions that negotiated FastAbort
    /// only; the initiator confirms it with a NOP-Out, which nothing here waits for: data that
    /// still comes is dropped, and holds no memory.
    void tasksTerminated(Link link, long lun) {
        send(link, lun, TASKS_TERMINATED, 0, 0, 0);
    }

    private void send(Link link, int event, int parameter1, int parameter2, int parameter3) {
        send(link, 0, event, parameter1, parameter2, parameter3);
    }

    private void send(
            Link link, long lun, int event, int parameter1, int parameter2, int parameter3) {
        link.send(
                new ResponsePdu.AsyncMessage(
                        lun,
                        link.takeStatSn(),
                        window.expCmdSn(),
                        window.maxCmdSn(),
                        event,
                        0,
                        parameter1,
                        parameter2,
                        parameter3));
    }
}

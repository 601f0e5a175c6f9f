/// Order and reliability (RFC 7143 sections 4 and 7): what stands between PDUs and SCSI commands.
/// Connections, sessions, the command window, data transfers, task management. No socket, no clock
/// (time is a parameter); nothing logs but [FailedLogins]. May use login, pdu and scsi. Start with
/// [IscsiConnection], then [Session], [Connections], [TaskSet] and [Task].
///
/// A session outlives its connections. It is there from the login that opens it until it is logged
/// out, reinstated or ended, or until Time2Retain is over after its last connection was lost; a
/// connection that logs in with its TSIH meanwhile goes on with its nexus, numbers and what is left
/// of its tasks. What is kept of a lost connection is in [CleanupWait] and holds the place that the
/// connection had among all that there may be; time is counted by ticks of the event loop, so a
/// session without connections needs no thread and no timer.
///
/// ## Recovery within a connection
///
/// Sessions of ErrorRecoveryLevel 0, nearly all, keep nothing that was sent: where others differ
/// there is one branch on a null field. At level 1 each connection has an [Unacknowledged]: the
/// responses by StatSN and, per command, the [SentData]. It keeps the PDUs themselves, since the
/// medium may have changed when they are asked for again; their buffers are the ones that were
/// sent, with one more claim on them. [SnackHandling] queues what is asked for, each PDU once, and
/// the queue leaves as the socket takes it. Data that does not arrive, or arrives damaged, is
/// noticed by [DataOutTransfer]: the rest of the burst is dropped and asked for anew by a recovery
/// R2T. A header whose digest is wrong closes the connection, since the length in it is all that
/// tells where the next PDU begins.
///
/// ## Recovery of connections
///
/// At level 2 a lost connection is one that sends into the void: its tasks go on as far as they
/// can, and its [Unacknowledged] keeps what they send. [Reassignment] moves a task, or what is left
/// there of one that has ended, to another connection, once the lost one is logged out for
/// recovery. Both wait in [CleanupWait] until Time2Retain is over.
@NullMarked
package io.lunkeeper.target.session;

import org.jspecify.annotations.NullMarked;

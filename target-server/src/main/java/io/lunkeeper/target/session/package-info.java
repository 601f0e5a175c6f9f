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
@NullMarked
package io.lunkeeper.target.session;

import org.jspecify.annotations.NullMarked;

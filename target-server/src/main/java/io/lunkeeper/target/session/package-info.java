/// Order and reliability (RFC 7143 sections 4 and 7): what stands between PDUs and SCSI commands.
/// Connections, sessions, the command window, data transfers, task management. No socket, no clock
/// (time is a parameter); nothing logs but [FailedLogins]. May use login, pdu and scsi. Start with
/// [IscsiConnection], then [Session], [TaskSet] and [Task].
@NullMarked
package io.lunkeeper.target.session;

import org.jspecify.annotations.NullMarked;

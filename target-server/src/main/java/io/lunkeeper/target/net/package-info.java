/// Bytes and back-pressure: portals that accept, event loops that turn, connections that read and
/// write. Knows nothing of what the bytes mean beyond handing PDUs to the session room. May use
/// session and pdu. Start with [EventLoop], then [Connection].
@NullMarked
package io.lunkeeper.target.net;

import org.jspecify.annotations.NullMarked;

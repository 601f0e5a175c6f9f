/// Login and text negotiation (RFC 7143 sections 6 and 13): from [io.lunkeeper.target.pdu] login
/// and text requests to a [SessionParameters]. Pure state: no socket, no clock, no session table.
/// May use pdu. Start with [LoginNegotiation].
@NullMarked
package io.lunkeeper.target.login;

import org.jspecify.annotations.NullMarked;

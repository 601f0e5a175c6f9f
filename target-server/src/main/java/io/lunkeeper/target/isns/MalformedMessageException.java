package io.lunkeeper.target.isns;

import java.io.IOException;

/// What a server sent is no message of RFC 4171, so nothing after it can be understood.
final class MalformedMessageException extends IOException {
    private static final long serialVersionUID = 1L;

    /// @param what was found
    MalformedMessageException(String what) {
        super("sent what is no iSNS message: " + what);
    }
}

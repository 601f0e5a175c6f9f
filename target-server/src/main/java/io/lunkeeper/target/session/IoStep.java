package io.lunkeeper.target.session;

import java.io.IOException;

/// Work of a task that may block.
interface IoStep {
    void run() throws IOException;
}

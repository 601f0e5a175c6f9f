package io.lunkeeper.target.config;

import java.io.IOException;

/// The configuration is right, but what it asks for cannot be had now: a port is taken, an image is
/// locked by somebody else.
public final class UnservableException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    /// Ties a failure to the place in the file that asked for it.
    public UnservableException(Problem problem, Throwable cause) {
        super(problem.key() + ": " + problem.message(), cause);
        this.problem = problem;
    }

    /// What could not be had, and where the file asks for it.
    public Problem problem() {
        return problem;
    }
}

package io.lunkeeper.target.config;

import java.util.List;
import java.util.stream.Collectors;

/// A configuration file that cannot be used, with everything that was found wrong in it.
public final class ConfigurationException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient List<Problem> problems;

    ConfigurationException(String file, List<Problem> problems) {
        super(problems.stream().map(p -> p.in(file)).collect(Collectors.joining("\n")));
        assert !problems.isEmpty();
        this.problems = List.copyOf(problems);
    }

    /// What is wrong, in the order of the lines.
    public List<Problem> problems() {
        return problems;
    }
}

package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.EnumSet;

/// What is said about a file that must be refused, by a reader that serves every feature.
final class ConfigurationRejection {
    private ConfigurationRejection() {}

    static String of(Path file) {
        ConfigurationException refusal =
                assertThrows(
                        ConfigurationException.class,
                        () -> ConfigurationFile.read(file, EnumSet.allOf(Feature.class)));
        return String.valueOf(refusal.getMessage());
    }
}

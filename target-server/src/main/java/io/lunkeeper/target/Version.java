package io.lunkeeper.target;

import java.util.Optional;

/// Which lunkeeper this is.
final class Version {
    private Version() {}

    static String text() {
        return Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
                .orElse("(not packaged)");
    }
}

package io.lunkeeper.tests.rig;

import java.nio.file.Files;
import java.nio.file.Path;

/// Where things are in this checkout.
public final class Checkout {
    private Checkout() {}

    /// The top folder of the checkout.
    public static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("target-server"))) {
            Path parent = folder.getParent();
            if (parent == null) {
                throw new IllegalStateException(
                        "not inside a checkout: " + Path.of("").toAbsolutePath());
            }
            folder = parent;
        }
        return folder;
    }

    /// What tests leave behind: on the file system of the checkout, removed by `mvn clean`.
    public static Path scratch() {
        return root().resolve("tests/target");
    }

    /// The program under test: `-Dlunkeeper.launcher=FILE`, else the launcher of the checkout.
    public static Path launcher() {
        String other = System.getProperty("lunkeeper.launcher");
        return other == null ? root().resolve("target-server/bin/lunkeeper") : Path.of(other);
    }
}

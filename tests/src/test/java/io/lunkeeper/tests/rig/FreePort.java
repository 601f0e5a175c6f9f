package io.lunkeeper.tests.rig;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/// Ports for servers under test.
public final class FreePort {
    private static final int ATTEMPTS = 100;

    private FreePort() {}

    /// A port that is free now. Below the range from which the kernel takes the local ports of
    /// outgoing connections, so that it stays free while the server is down between two starts.
    public static int find() throws IOException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(20_000, 32_000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return probe.getLocalPort();
            } catch (BindException _) {
                // Taken: try another.
            }
        }
        throw new IOException("no free port");
    }
}

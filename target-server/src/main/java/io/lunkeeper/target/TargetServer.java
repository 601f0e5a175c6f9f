package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.Problem;
import io.lunkeeper.target.config.UnservableException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/// The running server.
public final class TargetServer implements AutoCloseable {
    private TargetServer() {}

    /// Opens every LUN and listens on every portal.
    ///
    /// @throws UnservableException when a portal or an image cannot be had
    /// @throws IOException when a system call fails otherwise
    public static TargetServer open(Configuration configuration) throws IOException {
        if (!configuration.portals().isEmpty()) {
            int line = configuration.portals().getFirst().line();
            throw new UnservableException(
                    new Problem(line, "portals[0].listen", "not built yet"),
                    new IOException("not built yet"));
        }
        return new TargetServer();
    }

    /// Where it listens, in the order of the configuration, with the ports that the system chose.
    public List<InetSocketAddress> addresses() {
        return List.of();
    }

    /// Ends every session, flushes and releases every image.
    ///
    /// @throws IOException when a final flush failed: acknowledged data may be lost
    @Override
    public void close() throws IOException {}
}

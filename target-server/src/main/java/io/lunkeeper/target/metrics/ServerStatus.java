package io.lunkeeper.target.metrics;

import java.time.Duration;
import java.util.List;

/// How the server is at one moment.
///
/// @param version of the program
/// @param uptime since it was started
/// @param portals where initiators connect, as `host:port`
/// @param luns all of the configuration, in its order
public record ServerStatus(
        String version,
        Phase phase,
        Duration uptime,
        List<String> portals,
        List<Session> sessions,
        List<LunStatus> luns) {

    /// What the server is about.
    public enum Phase {
        /// Images are being opened; nobody can log in yet.
        STARTING,
        /// Initiators are served.
        SERVING,
        /// Sessions end, what was written is flushed.
        STOPPING
    }

    /// A session of an initiator.
    ///
    /// @param target empty for a discovery session
    /// @param peer the address of its connection
    public record Session(String initiator, String target, String peer) {}
}

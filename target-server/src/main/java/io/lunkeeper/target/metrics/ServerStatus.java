package io.lunkeeper.target.metrics;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// How the server is at one moment.
///
/// @param version of the program
/// @param uptime since it was started
/// @param portals where initiators connect, as `host:port`
/// @param failedLogins since the start
/// @param nameServers those of the configuration (iSNS)
/// @param targets that initiators can log in to
/// @param luns all of the configuration, in its order
public record ServerStatus(
        String version,
        Phase phase,
        Duration uptime,
        List<String> portals,
        List<Session> sessions,
        long failedLogins,
        Connections connections,
        List<NameServer> nameServers,
        List<Target> targets,
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

    /// The connections of initiators, and of whoever else comes to the portals.
    ///
    /// @param open at this moment
    /// @param loggingIn those of them that have not logged in
    /// @param refused since the start, by the limit of the configuration that they were beyond
    /// @param acceptPauses how often nothing more could be accepted for want of descriptors
    /// @param faultyPdus since the start, by what was done with them
    /// @param bufferBytes of memory that is taken for their buffers, in use or for the next
    public record Connections(
            int open,
            int loggingIn,
            Map<String, Long> refused,
            long acceptPauses,
            Map<String, Long> faultyPdus,
            long bufferBytes) {

        /// All that were refused.
        long refusedInAll() {
            return refused.values().stream().mapToLong(Long::longValue).sum();
        }
    }

    /// A server of names (iSNS) that is told of the targets.
    ///
    /// @param address `host:port`
    /// @param targets how many are registered there, as far as is known
    /// @param trouble what went wrong last; empty: it has answered since
    /// @param refreshes how often the registration was found to be there still, since the start
    /// @param failures how often it could not be reached, or refused, or did not answer
    public record NameServer(
            String address, int targets, String trouble, long refreshes, long failures) {}

    /// A target.
    ///
    /// @param accessState of all its LUNs
    public record Target(String name, AccessState accessState) {}

    /// What initiators may do with the LUNs of a target, and whether they are asked to use another
    /// path to them (ALUA).
    public enum AccessState {
        ACTIVE_OPTIMIZED,
        ACTIVE_NON_OPTIMIZED,
        STANDBY,
        UNAVAILABLE;

        /// The word that the configuration has for it.
        String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /// A session of an initiator.
    ///
    /// @param target empty for a discovery session
    /// @param peer the address of its connection
    public record Session(String initiator, String target, String peer) {}
}

package io.lunkeeper.target.config;

import io.lunkeeper.lun.LunSpec;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A configuration file that has passed every check that can be made without opening an image or a
/// port. Paths are absolute.
///
/// @param file where it was read from
/// @param isns where targets are registered, if anywhere
/// @param keepalive how long an initiator may be silent, and then may take for a sign of life
/// @param discoveryAuth of which a discovery session must prove one; none: it need not
public record Configuration(
        Path file,
        List<Portal> portals,
        Optional<Path> control,
        Optional<Metrics> metrics,
        Optional<Isns> isns,
        Limits limits,
        Duration keepalive,
        List<Auth> discoveryAuth,
        List<Target> targets) {

    /// The same with other targets.
    public Configuration with(List<Target> others) {
        return new Configuration(
                file, portals, control, metrics, isns, limits, keepalive, discoveryAuth, others);
    }

    /// An address to listen on.
    ///
    /// @param group the portal group tag, 1 to 65535
    /// @param line where the file names the address, from 1
    public record Portal(InetSocketAddress listen, int group, int line) {}

    /// Where metrics and the status page are served.
    ///
    /// @param line where the file names the address, from 1
    public record Metrics(InetSocketAddress listen, int line) {}

    /// The servers of names that are told of the targets (RFC 4171).
    ///
    /// @param servers not resolved where the file has a name
    /// @param entity what this server is called there, if the file says it
    /// @param line where the file has the key, from 1
    public record Isns(List<InetSocketAddress> servers, Optional<String> entity, int line) {}

    /// How many connections there may be at a time, each at least 1.
    ///
    /// @param connectionsPerSource from one IPv4 address, or one /64 of IPv6
    /// @param logins those that have not logged in
    public record Limits(
            int connections, int connectionsPerSource, int logins, int loginsPerSource) {

        /// Hundreds of initiators may come back at once, from behind one address too, and a host
        /// may have hundreds of sessions; strangers hold 128 MiB at most.
        public static final Limits DEFAULT = new Limits(8192, 2048, 2048, 1024);
    }

    /// A target and what it serves.
    ///
    /// @param iqn the normalized iSCSI name
    /// @param alias what people call it (RFC 7143 13.6 TargetAlias)
    /// @param access who may use it: whoever fits one of them
    /// @param isns whether servers of names are told of it
    /// @param moved where it is to be found instead; it may have no LUNs then
    /// @param line where the file names the target, from 1
    public record Target(
            String iqn,
            Optional<String> alias,
            List<Access> access,
            AccessState accessState,
            boolean isns,
            Optional<Moved> moved,
            List<Lun> luns,
            int line) {

        /// The same with other LUNs.
        public Target with(List<Lun> others) {
            return new Target(iqn, alias, access, accessState, isns, moved, others, line);
        }

        /// What of `access` fits an initiator, before it has proven anything.
        ///
        /// @param initiatorName the normalized, lower-case iSCSI name
        /// @param from where it comes from
        public List<Access> access(String initiatorName, InetAddress from) {
            return access.stream().filter(each -> each.fits(initiatorName, from)).toList();
        }
    }

    /// Some who may use a target: those whose name and address fit, when they have proven what they
    /// must.
    ///
    /// @param initiators patterns of initiator names; empty: any
    /// @param networks where they may come from; empty: from anywhere
    /// @param auth of which an initiator must prove one; none: it need not
    /// @param luns the numbers of those that are there for them, by those that they see them under;
    ///   empty: all of the target as they are
    public record Access(
            List<String> initiators,
            List<Network> networks,
            List<Auth> auth,
            Map<Integer, Integer> luns) {

        boolean fits(String initiatorName, InetAddress from) {
            return (initiators.isEmpty()
                            || initiators.stream()
                                    .anyMatch(each -> IscsiName.matches(each, initiatorName)))
                    && (networks.isEmpty()
                            || networks.stream().anyMatch(each -> each.contains(from)));
        }
    }

    /// Where initiators are to find a target instead (RFC 7143 11.13.5 Status-Class and
    /// Status-Detail).
    ///
    /// @param to not resolved where the file has a name
    /// @param permanent whether they may forget where it was
    public record Moved(InetSocketAddress to, boolean permanent) {}

    /// The asymmetric access states of a target port (SPC-4 5.16.2.4 Target port asymmetric access
    /// states).
    public enum AccessState {
        ACTIVE_OPTIMIZED,
        ACTIVE_NON_OPTIMIZED,
        STANDBY,
        UNAVAILABLE
    }

    /// CHAP credentials (RFC 7143 12.1). Secrets have been read from their files.
    public record Auth(String user, Secret secret, Optional<MutualAuth> mutual) {}

    /// What the target answers with when the initiator challenges it.
    public record MutualAuth(String user, Secret secret) {}

    /// A logical unit.
    ///
    /// @param lun 0 to 16383
    /// @param physicalBlockSizeBytes a power of two, at least the logical block size
    /// @param serial the unit serial number, when the file gives one
    /// @param identifiers those that the file gives, the most telling first
    /// @param line where the file names the image, from 1
    public record Lun(
            int lun,
            LunSpec image,
            int physicalBlockSizeBytes,
            Optional<String> serial,
            List<Identifier> identifiers,
            int line) {}

    /// What a disk is known by.
    ///
    /// @param digits hexadecimal, lower case, as many as the kind has
    public record Identifier(Kind kind, String digits) {

        /// Who assigns them, and so what they look like.
        public enum Kind {
            /// Network Address Authority: 16 digits or 32.
            NAA,
            /// EUI-64 based: 16, 24 or 32 digits.
            EUI,
            /// 32 digits.
            UUID
        }
    }

    /// Bytes that never reach a log.
    public static final class Secret {
        private final byte[] bytes;

        public Secret(byte[] bytes) {
            this.bytes = bytes.clone();
        }

        public byte[] bytes() {
            return bytes.clone();
        }

        /// Whether both are the same bytes.
        @Override
        public boolean equals(Object other) {
            return other instanceof Secret secret && MessageDigest.isEqual(bytes, secret.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }

        @Override
        public String toString() {
            return "Secret[hidden]";
        }
    }
}

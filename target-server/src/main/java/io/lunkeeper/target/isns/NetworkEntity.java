package io.lunkeeper.target.isns;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What a server is told of us (RFC 4171 3.1 Network Entity Object and what it contains): every
/// node can be reached through every portal.
///
/// @param identifier the name of the whole, at most 255 bytes of UTF-8
/// @param portals with addresses, not names
/// @param nodes the targets
public record NetworkEntity(String identifier, List<Portal> portals, List<StorageNode> nodes) {
    /// Where targets are (RFC 4171 3.2 Portal Object).
    ///
    /// @param group the portal group tag
    public record Portal(InetSocketAddress address, int group) {}

    /// A target (RFC 4171 3.3 Storage Node Object).
    ///
    /// @param alias empty: none
    public record StorageNode(String name, String alias) {}

    /// Of this name, with nothing in it.
    static NetworkEntity empty(String identifier) {
        return new NetworkEntity(identifier, List.of(), List.of());
    }

    /// Whether there is nothing to find: a target without an address, or an address without a
    /// target.
    boolean isEmpty() {
        return portals.isEmpty() || nodes.isEmpty();
    }

    /// What either of them has; where both have it, as the other has it.
    NetworkEntity with(NetworkEntity other) {
        Set<String> names = other.nodes.stream().map(StorageNode::name).collect(Collectors.toSet());
        List<InetSocketAddress> addresses = other.portals.stream().map(Portal::address).toList();
        return new NetworkEntity(
                other.identifier,
                Stream.concat(
                                portals.stream().filter(p -> !addresses.contains(p.address())),
                                other.portals.stream())
                        .toList(),
                Stream.concat(
                                nodes.stream().filter(node -> !names.contains(node.name())),
                                other.nodes.stream())
                        .toList());
    }

    /// What this has and the other has not, by names and addresses.
    NetworkEntity without(NetworkEntity other) {
        Set<String> names = other.nodes.stream().map(StorageNode::name).collect(Collectors.toSet());
        List<InetSocketAddress> addresses = other.portals.stream().map(Portal::address).toList();
        return new NetworkEntity(
                identifier,
                portals.stream().filter(each -> !addresses.contains(each.address())).toList(),
                nodes.stream().filter(each -> !names.contains(each.name())).toList());
    }

    /// In words, for people.
    String summary() {
        return "%d %s at %d %s as %s"
                .formatted(
                        nodes.size(),
                        nodes.size() == 1 ? "target" : "targets",
                        portals.size(),
                        portals.size() == 1 ? "address" : "addresses",
                        identifier);
    }
}

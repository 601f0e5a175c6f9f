package io.lunkeeper.target;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.login.TargetDirectory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// The configured targets as one connection sees them: who may log in, and which addresses
/// SendTargets gives. Immutable.
final class PortalDirectory implements TargetDirectory {
    private final Map<String, Admission> targets;
    private final List<String> order;
    private final List<String> addresses;
    private final int portalGroupTag;

    /// Which initiators a target takes.
    private record Admission(List<Pattern> patterns) {
        boolean admits(String initiatorName) {
            return patterns.isEmpty()
                    || patterns.stream().anyMatch(each -> each.matcher(initiatorName).matches());
        }
    }

    /// A portal's address as SendTargets gives it.
    record Advertised(InetSocketAddress address, int group) {}

    private PortalDirectory(
            Map<String, Admission> targets,
            List<String> order,
            List<String> addresses,
            int portalGroupTag) {
        this.targets = targets;
        this.order = order;
        this.addresses = addresses;
        this.portalGroupTag = portalGroupTag;
    }

    /// The directory for connections that came to `local`, before any address is known.
    static PortalDirectory of(List<Configuration.Target> targets) {
        Map<String, Admission> admissions = new HashMap<>();
        List<String> order = new ArrayList<>();
        for (Configuration.Target target : targets) {
            admissions.put(
                    target.iqn(),
                    new Admission(
                            target.initiators().stream().map(PortalDirectory::pattern).toList()));
            order.add(target.iqn());
        }
        return new PortalDirectory(admissions, order, List.of(), 1);
    }

    /// The same targets through a portal of `group`. A portal that listens on every address is
    /// advertised under the one that the connection came to: no other is known to be reachable.
    PortalDirectory through(List<Advertised> portals, InetSocketAddress local, int group) {
        List<String> reachable = new ArrayList<>();
        for (Advertised portal : portals) {
            InetSocketAddress shown =
                    portal.address().getAddress().isAnyLocalAddress()
                            ? new InetSocketAddress(local.getAddress(), portal.address().getPort())
                            : portal.address();
            reachable.add(PortalAddress.text(shown) + "," + portal.group());
        }
        return new PortalDirectory(targets, order, reachable, group);
    }

    /// `*` for any run of characters, `?` for one.
    private static Pattern pattern(String glob) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < glob.length(); i++) {
            char c = glob.charAt(i);
            switch (c) {
                case '*' -> regex.append(".*");
                case '?' -> regex.append('.');
                default -> regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        return Pattern.compile(regex.toString());
    }

    @Override
    public boolean serves(String targetName) {
        return targets.containsKey(targetName);
    }

    @Override
    public boolean admits(String initiatorName, String targetName) {
        Admission admission = targets.get(targetName);
        return admission != null && admission.admits(initiatorName);
    }

    @Override
    public int portalGroupTag() {
        return portalGroupTag;
    }

    @Override
    public List<Listing> listings(String initiatorName) {
        return order.stream()
                .filter(name -> admits(initiatorName, name))
                .map(name -> new Listing(name, addresses))
                .toList();
    }
}

package io.lunkeeper.target.login;

import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A directory of one target that everybody may use, unless a test makes it another one.
public class OneTarget implements TargetDirectory {
    private final String name;
    private final List<String> addresses;

    /// @param addresses what a discovery is told
    public OneTarget(String name, List<String> addresses) {
        this.name = name;
        this.addresses = List.copyOf(addresses);
    }

    /// A target that a discovery finds at no address.
    public OneTarget(String name) {
        this(name, List.of());
    }

    @Override
    public @Nullable Demand demand(String initiatorName, String targetName) {
        return targetName.equals(name) ? Demand.NOTHING : null;
    }

    @Override
    public Demand discoveryDemand(String initiatorName) {
        return Demand.NOTHING;
    }

    @Override
    public String alias(String targetName) {
        return "";
    }

    @Override
    public int portalGroupTag() {
        return 1;
    }

    @Override
    public Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven) {
        return List.of(new Listing(name, addresses)).iterator();
    }
}

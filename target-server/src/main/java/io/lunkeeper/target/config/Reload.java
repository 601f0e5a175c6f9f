package io.lunkeeper.target.config;

import io.lunkeeper.lun.LunSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;

/// What may change in the file of a running server: the sizes of its LUNs. Everything else needs a
/// restart, and is refused rather than ignored, so that file and server never differ unnoticed.
public final class Reload {
    private static final String RESTART =
            " cannot change while the server runs; restart it, or take the change back";

    private final List<Problem> problems = new ArrayList<>();

    private Reload() {}

    /// Compares a file with what the server was started with.
    ///
    /// @throws ConfigurationException naming everything that differs and may not
    public static void check(Configuration served, Configuration wanted)
            throws ConfigurationException {
        Reload reload = new Reload();
        reload.portals(served.portals(), wanted.portals());
        reload.targets(served.targets(), wanted.targets());
        reload.same("control", served.control(), wanted.control(), 0);
        reload.same(
                "metrics",
                served.metrics().map(Configuration.Metrics::listen),
                wanted.metrics().map(Configuration.Metrics::listen),
                wanted.metrics().map(Configuration.Metrics::line).orElse(0));
        if (!reload.problems.isEmpty()) {
            throw new ConfigurationException(wanted.file().toString(), reload.problems);
        }
    }

    private void same(String key, Object served, Object wanted, int line) {
        if (!Objects.equals(served, wanted)) {
            problems.add(new Problem(line, key, "it" + RESTART));
        }
    }

    private void portals(List<Configuration.Portal> served, List<Configuration.Portal> wanted) {
        same("portals", served.size(), wanted.size(), wanted.getLast().line());
        for (int i = 0; i < Math.min(served.size(), wanted.size()); i++) {
            Configuration.Portal each = wanted.get(i);
            same("portals[" + i + "]", withoutLine(served.get(i)), withoutLine(each), each.line());
        }
    }

    private static Configuration.Portal withoutLine(Configuration.Portal portal) {
        return new Configuration.Portal(portal.listen(), portal.group(), 0);
    }

    private void targets(List<Configuration.Target> served, List<Configuration.Target> wanted) {
        same("targets", served.size(), wanted.size(), wanted.getLast().line());
        for (int i = 0; i < Math.min(served.size(), wanted.size()); i++) {
            Configuration.Target was = served.get(i);
            Configuration.Target is = wanted.get(i);
            String key = "targets[" + i + "]";
            same(key + ".iqn", was.iqn(), is.iqn(), is.line());
            same(key + ".initiators", was.initiators(), is.initiators(), is.line());
            same(key + ".auth", was.auth(), is.auth(), is.line());
            luns(key, was.luns(), is);
        }
    }

    private void luns(String target, List<Configuration.Lun> served, Configuration.Target wanted) {
        same(target + ".luns", served.size(), wanted.luns().size(), wanted.line());
        for (int i = 0; i < Math.min(served.size(), wanted.luns().size()); i++) {
            Configuration.Lun each = wanted.luns().get(i);
            same(
                    target + ".luns[" + i + "]",
                    withoutSize(served.get(i)),
                    withoutSize(each),
                    each.line());
        }
    }

    private static Configuration.Lun withoutSize(Configuration.Lun lun) {
        LunSpec image = lun.image();
        return new Configuration.Lun(
                lun.lun(),
                new LunSpec(
                        image.image(),
                        OptionalLong.empty(),
                        image.allocation(),
                        image.cacheMode(),
                        image.blockSizeBytes(),
                        image.readOnly(),
                        image.tuning()),
                lun.physicalBlockSizeBytes(),
                lun.serial(),
                0);
    }
}

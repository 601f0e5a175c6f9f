package io.lunkeeper.target.config;

import io.lunkeeper.lun.LunSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/// What may change in the file of a running server: targets and LUNs come and go, LUNs grow, access
/// states and limits change, and so does who may log in. Everything else needs a restart, and is
/// refused rather than ignored, so that file and server never differ unnoticed.
///
/// Another image under a number that is served is refused too. It would be another disk under the
/// same name, and an initiator that keeps data of the first in memory would not notice; in two
/// steps it loses the first before it can find the second.
public final class Reload {
    private static final String RESTART =
            " cannot change while the server runs; restart it, or take the change back";

    private final List<Problem> problems = new ArrayList<>();

    private Reload() {}

    /// Compares a file with what is served.
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
        reload.same(
                "isns",
                served.isns().map(Reload::withoutLine),
                wanted.isns().map(Reload::withoutLine),
                wanted.isns().map(Configuration.Isns::line).orElse(0));
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

    private static Configuration.Isns withoutLine(Configuration.Isns isns) {
        return new Configuration.Isns(isns.servers(), isns.entity(), 0);
    }

    private void targets(List<Configuration.Target> served, List<Configuration.Target> wanted) {
        for (int i = 0; i < wanted.size(); i++) {
            Configuration.Target is = wanted.get(i);
            String key = "targets[" + i + "]";
            served.stream()
                    .filter(each -> each.iqn().equals(is.iqn()))
                    .forEach(was -> {
                        luns(key, was.luns(), is.luns());
                        access(key, was, is);
                    });
        }
    }

    /// The same where a LUN is seen under another number: what counts are entries for the same
    /// initiators with the same credentials.
    private void access(String target, Configuration.Target served, Configuration.Target wanted) {
        for (int i = 0; i < wanted.access().size(); i++) {
            Configuration.Access is = wanted.access().get(i);
            String key = target + ".access[" + i + "].luns";
            served.access().stream()
                    .filter(was -> who(was).equals(who(is)))
                    .forEach(was -> seen(key, wanted.line(), seen(was, served), seen(is, wanted)));
        }
    }

    private static List<Object> who(Configuration.Access access) {
        return List.of(
                access.initiators(),
                access.networks(),
                access.auth().stream().map(Configuration.Auth::user).toList());
    }

    private static Map<Integer, Integer> seen(
            Configuration.Access access, Configuration.Target target) {
        return !access.luns().isEmpty()
                ? access.luns()
                : target.luns().stream()
                        .collect(Collectors.toMap(Configuration.Lun::lun, Configuration.Lun::lun));
    }

    private void seen(
            String key, int line, Map<Integer, Integer> served, Map<Integer, Integer> wanted) {
        wanted.forEach((as, lun) -> {
            int before = served.getOrDefault(as, lun);
            if (before != lun) {
                problems.add(
                        new Problem(
                                line,
                                key,
                                "LUN "
                                        + before
                                        + " is seen as "
                                        + as
                                        + "; another disk must not take its place unnoticed: have"
                                        + " LUN "
                                        + lun
                                        + " seen under another number, or take this one out,"
                                        + " reload, and add it again"));
            }
        });
    }

    private void luns(
            String target, List<Configuration.Lun> served, List<Configuration.Lun> wanted) {
        Map<Integer, Configuration.Lun> before =
                served.stream().collect(Collectors.toMap(Configuration.Lun::lun, lun -> lun));
        for (int i = 0; i < wanted.size(); i++) {
            Configuration.Lun is = wanted.get(i);
            Configuration.Lun was = before.get(is.lun());
            String key = target + ".luns[" + i + "]";
            if (was == null) {
                continue;
            }
            if (was.image().image().equals(is.image().image())) {
                same(key, withoutSize(was), withoutSize(is), is.line());
            } else {
                problems.add(
                        new Problem(
                                is.line(),
                                key + ".image",
                                "LUN "
                                        + is.lun()
                                        + " is served from "
                                        + was.image().image()
                                        + "; another disk must not take its place unnoticed: give"
                                        + " the new image another number, or take the LUN out,"
                                        + " reload, and add it again"));
            }
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
                lun.identifiers(),
                0);
    }
}

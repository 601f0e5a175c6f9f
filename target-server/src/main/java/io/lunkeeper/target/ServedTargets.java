package io.lunkeeper.target;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationException;
import io.lunkeeper.target.config.Problem;
import io.lunkeeper.target.config.Reload;
import io.lunkeeper.target.config.UnservableException;
import io.lunkeeper.target.scsi.AccessCounts;
import io.lunkeeper.target.scsi.AccessState;
import io.lunkeeper.target.scsi.DeviceServer;
import io.lunkeeper.target.scsi.TargetDevice;
import io.lunkeeper.target.scsi.UnitName;
import io.lunkeeper.target.session.Session;
import io.lunkeeper.target.session.TargetNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The targets and LUNs of a server, and how they come and go. One thread opens, changes and closes
/// them, which may take long; anybody may look meanwhile, and sees what is served at that moment.
final class ServedTargets {
    private static final Logger LOG = LogManager.getLogger(ServedTargets.class);

    /// How long the commands of a LUN that is taken out may take to come to rest, and its image to
    /// be closed, before the rest of a change goes on without it.
    private static final long LEAVE_SECONDS = 30;

    private static final String TAKEN_OUT = "target taken out";

    /// How long the end of the server may be overlooked meanwhile.
    private static final long LOOK_MILLIS = 100;

    private final BooleanSupplier stopping;

    /// What is served, for comparison with what is wanted.
    private Configuration configuration;

    /// The nodes of all targets, those too that nobody can log in to yet.
    private final Map<String, TargetNode> nodes = new HashMap<>();

    /// By iSCSI name, in the order of the configuration; replaced, never changed.
    private volatile Map<String, Served> targets = Map.of();

    /// Who may discover targets; none: everybody, those without `auth`.
    private volatile List<Configuration.Auth> discoveryAuth;

    /// Those of the configuration in its order, then those on their way out; replaced, never
    /// changed.
    private volatile List<ServedLun> luns;

    /// A target that initiators can log in to.
    record Served(Configuration.Target spec, TargetNode node) {}

    /// Targets that are not open yet.
    ///
    /// @param stopping whether the end is wanted already; ends work that takes long
    ServedTargets(Configuration configuration, BooleanSupplier stopping) {
        this.configuration = configuration;
        this.stopping = stopping;
        this.discoveryAuth = configuration.discoveryAuth();
        this.luns =
                Place.of(configuration).stream()
                        .map(place -> new ServedLun(place, stopping))
                        .toList();
    }

    /// The target of this name; null when there is none.
    @Nullable Served target(String name) {
        return targets.get(name);
    }

    /// All targets, in the order of the configuration.
    Collection<Served> targets() {
        return targets.values();
    }

    /// The credentials of which a discovery session must prove one; none: it need not.
    List<Configuration.Auth> discoveryAuth() {
        return discoveryAuth;
    }

    /// All LUNs of the configuration, in its order, and those that are being closed.
    List<ServedLun> luns() {
        return luns;
    }

    /// Opens the images that are there before any is created, so that a server that cannot start
    /// for one of them leaves no new file behind.
    ///
    /// @throws UnservableException naming the one that cannot be had
    void open() throws UnservableException {
        List<ServedLun> ordered = new ArrayList<>(luns);
        ordered.sort(
                Comparator.comparing(each -> Files.notExists(each.place().spec().image().image())));
        for (ServedLun each : ordered) {
            bring(each);
        }
        list();
    }

    /// Takes over what a configuration says that was read again: targets and LUNs that it does not
    /// name any more are taken out, those may log in whom it names, and access states change, then
    /// LUNs grow and new ones are brought in, those last whose images are filled. What cannot be
    /// had now is reported, and wanted again by the next change.
    ///
    /// @param unavailable told of each at once
    /// @throws ConfigurationException when it changes what cannot change; nothing is done then
    void change(Configuration wanted, Consumer<Problem> unavailable) throws ConfigurationException {
        Reload.check(configuration, wanted);
        Set<String> moving = moving(configuration, wanted);
        List<ServedLun> leaving = relist(wanted);
        configuration = wanted;
        takeOut(leaving, moving, unavailable);
        for (Configuration.Target each : wanted.targets()) {
            TargetNode node = nodes.get(each.iqn());
            if (node != null) {
                node.device().configure(accessState(each));
            }
        }
        List<ServedLun> staying = new ArrayList<>(luns);
        staying.removeIf(ServedLun::leaving);
        staying.sort(Comparator.comparing(ServedTargets::filled));
        for (ServedLun each : staying) {
            if (stopping.getAsBoolean()) {
                break;
            }
            try {
                growOrBring(each);
            } catch (UnservableException e) {
                unavailable.accept(e.problem());
            }
        }
        configuration = served(wanted);
    }

    /// A configuration without what could not be had.
    private Configuration served(Configuration wanted) {
        Set<Place.Name> had =
                luns.stream()
                        .filter(ServedLun::served)
                        .map(lun -> lun.place().name())
                        .collect(Collectors.toSet());
        List<Configuration.Target> listed =
                wanted.targets().stream()
                        .filter(target -> targets.containsKey(target.iqn()))
                        .map(target ->
                                target.with(
                                        target.luns().stream()
                                                .filter(lun ->
                                                        had.contains(
                                                                new Place.Name(
                                                                        target.iqn(), lun.lun())))
                                                .toList()))
                        .toList();
        return wanted.with(listed);
    }

    private static boolean filled(ServedLun lun) {
        return lun.place().spec().image().allocation() == Allocation.FULL;
    }

    private void growOrBring(ServedLun lun) throws UnservableException {
        if (lun.served()) {
            grow(lun);
        } else {
            bring(lun);
        }
    }

    /// Lists the LUNs of a configuration, those that are served already as they are.
    ///
    /// @return the served ones that it does not name
    private synchronized List<ServedLun> relist(Configuration wanted) {
        Map<Place.Name, ServedLun> served = new LinkedHashMap<>();
        luns.stream().filter(ServedLun::served).forEach(lun -> served.put(lun.place().name(), lun));
        List<ServedLun> now = new ArrayList<>();
        for (Place each : Place.of(wanted)) {
            ServedLun kept = served.remove(each.name());
            if (kept == null) {
                now.add(new ServedLun(each, stopping));
            } else {
                kept.place(each);
                now.add(kept);
            }
        }
        now.addAll(served.values());
        luns.stream().filter(ServedLun::leaving).forEach(now::add);
        luns = List.copyOf(now);
        return List.copyOf(served.values());
    }

    // ---- out

    /// Takes LUNs out, and the targets that the configuration does not name any more with all of
    /// theirs, once the initiators of these had time to log out. Each leaves as fast as its own
    /// commands and its own disk let it.
    private void takeOut(
            List<ServedLun> leaving, Set<String> moving, Consumer<Problem> unavailable) {
        Set<String> wanted =
                configuration.targets().stream()
                        .map(Configuration.Target::iqn)
                        .collect(Collectors.toSet());
        Set<String> gone = new LinkedHashSet<>(nodes.keySet());
        gone.removeAll(wanted);
        list();
        for (ServedLun each : leaving) {
            if (!gone.contains(each.place().target()) && !moving.contains(each.place().target())) {
                takeOut(each);
            }
        }
        sayFarewell(gone, moving);
        leaving.stream()
                .filter(each -> moving.contains(each.place().target()))
                .forEach(this::takeOut);
        for (String each : gone) {
            takeOut(
                    requireNonNull(nodes.remove(each)),
                    leaving.stream().filter(lun -> lun.place().target().equals(each)).toList());
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LEAVE_SECONDS);
        for (ServedLun each : leaving) {
            while (!each.closedWithin(LOOK_MILLIS)
                    && System.nanoTime() < deadline
                    && !stopping.getAsBoolean()) {}
            each.trouble().ifPresent(trouble -> unavailable.accept(new Problem(0, "", trouble)));
        }
    }

    /// Initiators are asked to log out, and those of targets that have moved are sent on when they
    /// log in again; who of them does not log out is dropped.
    private void sayFarewell(Set<String> gone, Set<String> moving) {
        List<Session> ofMoving =
                moving.stream()
                        .flatMap(each -> requireNonNull(nodes.get(each)).alive().stream())
                        .toList();
        List<Session> all = new ArrayList<>(sessionsOf(gone));
        all.addAll(ofMoving);
        new Farewell(all, TAKEN_OUT).awaitLogouts();
        ofMoving.forEach(each -> each.terminate("target has moved", () -> {}));
    }

    /// The targets that are told to be elsewhere from now on.
    private Set<String> moving(Configuration before, Configuration wanted) {
        Map<String, Configuration.Moved> known = new HashMap<>();
        before.targets().forEach(each -> each.moved().ifPresent(to -> known.put(each.iqn(), to)));
        return wanted.targets().stream()
                .filter(each -> nodes.containsKey(each.iqn()))
                .filter(each ->
                        each.moved().filter(to -> !to.equals(known.get(each.iqn()))).isPresent())
                .map(Configuration.Target::iqn)
                .collect(Collectors.toSet());
    }

    private void takeOut(ServedLun lun) {
        DeviceServer device = requireNonNull(nodes.get(lun.place().target())).device();
        int number = lun.place().spec().lun();
        lun.leave(() -> {
            device.forget(number);
            drop(lun);
        });
        device.remove(number, lun::atRest);
    }

    /// What is left of its sessions ends first, and their commands with them.
    private void takeOut(TargetNode node, List<ServedLun> all) {
        for (ServedLun each : all) {
            each.leave(() -> drop(each));
        }
        node.end(TAKEN_OUT, () -> all.forEach(ServedLun::atRest));
    }

    /// The last sessions of targets, which take no others from now on.
    private List<Session> sessionsOf(Set<String> gone) {
        return gone.stream()
                .flatMap(each -> requireNonNull(nodes.get(each)).close().stream())
                .toList();
    }

    private synchronized void drop(ServedLun closed) {
        luns = luns.stream().filter(each -> each != closed).toList();
    }

    /// Flushes and closes all images.
    ///
    /// @throws IOException when one could not be flushed: acknowledged data may be lost
    void close() throws IOException {
        IOException failure = null;
        for (ServedLun each : luns) {
            try {
                each.close();
            } catch (IOException lost) {
                LOG.error("an image did not close cleanly", lost);
                failure = lost;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    // ---- in

    /// Brings a LUN in, and with its first LUN its target.
    private void bring(ServedLun lun) throws UnservableException {
        Place place = lun.place();
        TargetNode node = nodes.computeIfAbsent(place.target(), this::node);
        try {
            if (luns.stream().anyMatch(each -> each.leaving() && each.isAt(place.name()))) {
                throw new IOException(
                        "LUN " + place.spec().lun() + " was taken out and is not closed yet");
            }
            lun.open(
                    LunBackend::open,
                    backend -> {
                        node.device().add(unit(place, backend, lun.accessCounts()));
                        return () -> node.device().reservationsLost(place.spec().lun());
                    });
        } catch (IOException refused) {
            throw unservable(place, "image", refused);
        }
        if (target(place.target()) == null) {
            list();
        }
    }

    private TargetNode node(String name) {
        Configuration.Target target =
                configuration.targets().stream()
                        .filter(each -> each.iqn().equals(name))
                        .findFirst()
                        .orElseThrow();
        List<Integer> ports =
                configuration.portals().stream().map(Configuration.Portal::group).toList();
        return new TargetNode(new DeviceServer(new TargetDevice(name, ports), accessState(target)));
    }

    private static AccessState accessState(Configuration.Target target) {
        return switch (target.accessState()) {
            case ACTIVE_OPTIMIZED -> AccessState.ACTIVE_OPTIMIZED;
            case ACTIVE_NON_OPTIMIZED -> AccessState.ACTIVE_NON_OPTIMIZED;
            case STANDBY -> AccessState.STANDBY;
            case UNAVAILABLE -> AccessState.UNAVAILABLE;
        };
    }

    private static DeviceServer.LogicalUnitSpec unit(
            Place place, LunBackend backend, AccessCounts accessCounts) {
        Configuration.Lun lun = place.spec();
        return new DeviceServer.LogicalUnitSpec(
                lun.lun(),
                backend,
                lun.image().blockSizeBytes(),
                lun.physicalBlockSizeBytes(),
                lun.serial(),
                lun.identifiers().stream().map(ServedTargets::name).toList(),
                accessCounts);
    }

    private static UnitName name(Configuration.Identifier identifier) {
        return switch (identifier.kind()) {
            case NAA -> new UnitName(UnitName.Type.NAA, identifier.digits());
            case EUI -> new UnitName(UnitName.Type.EUI_64, identifier.digits());
            case UUID -> new UnitName(UnitName.Type.UUID, identifier.digits());
        };
    }

    /// Lists the targets of the configuration that have a LUN, or had one, with those who may log
    /// in.
    private void list() {
        Set<String> having =
                luns.stream()
                        .filter(ServedLun::served)
                        .map(lun -> lun.place().target())
                        .collect(Collectors.toCollection(HashSet::new));
        having.addAll(targets.keySet());
        Map<String, Served> now = new LinkedHashMap<>();
        for (Configuration.Target each : configuration.targets()) {
            if (each.moved().isPresent()) {
                nodes.computeIfAbsent(each.iqn(), this::node);
                having.add(each.iqn());
            }
            TargetNode node = nodes.get(each.iqn());
            if (node != null && having.contains(each.iqn())) {
                now.put(each.iqn(), new Served(each, node));
            }
        }
        now.values().forEach(this::logAccess);
        discoveryAuth = configuration.discoveryAuth();
        targets = Collections.unmodifiableMap(now);
    }

    private void logAccess(Served now) {
        Served before = target(now.spec().iqn());
        if (before != null && !before.spec().access().equals(now.spec().access())) {
            LOG.info(
                    "target {}: who may log in, or what he sees, has changed; sessions that are there go"
                            + " on",
                    now.spec().iqn());
        }
    }

    private void grow(ServedLun lun) throws UnservableException {
        Place place = lun.place();
        long before = lun.backend().sizeBytes();
        long sizeBytes = place.spec().image().sizeBytes().orElse(before);
        if (sizeBytes == before) {
            return;
        }
        try {
            lun.grow(sizeBytes);
        } catch (IOException refused) {
            throw unservable(place, "size", refused);
        }
        requireNonNull(nodes.get(place.target())).device().capacityChanged(place.spec().lun());
        LOG.info(
                "image {}: grew from {} to {} bytes",
                place.spec().image().image(),
                before,
                sizeBytes);
    }

    private static UnservableException unservable(Place place, String key, IOException cause) {
        return new UnservableException(
                new Problem(
                        place.spec().line(),
                        place.key() + "." + key,
                        String.valueOf(cause.getMessage())),
                cause);
    }
}

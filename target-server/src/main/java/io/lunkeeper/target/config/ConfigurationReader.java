package io.lunkeeper.target.config;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.target.config.Configuration.AccessState;
import io.lunkeeper.target.config.Configuration.Lun;
import io.lunkeeper.target.config.Configuration.Portal;
import io.lunkeeper.target.config.Configuration.Target;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/// The keys of the file and what each must be. Every value is read even when others are wrong; a
/// [Configuration] comes of it only when nothing is.
final class ConfigurationReader {
    private static final List<String> KEYS =
            List.of(
                    "portals",
                    "control",
                    "metrics",
                    "isns",
                    "limits",
                    "keepalive",
                    "discovery-auth",
                    "targets");
    private static final List<String> PORTAL_KEYS = List.of("listen", "group");
    private static final List<String> TARGET_KEYS =
            List.of(
                    "iqn",
                    "alias",
                    "initiators",
                    "networks",
                    "auth",
                    "access",
                    "access-state",
                    "isns",
                    "moved",
                    "luns");
    private static final List<String> MOVED_KEYS = List.of("to", "permanent");
    private static final List<String> LUN_KEYS =
            List.of(
                    "lun",
                    "image",
                    "size",
                    "allocate",
                    "cache",
                    "block-size",
                    "physical-block-size",
                    "read-only",
                    "serial",
                    "naa",
                    "eui",
                    "uuid",
                    "threads",
                    "guard",
                    "allocation-chunk",
                    "dirty-expire",
                    "dirty-background-bytes",
                    "dirty-bytes",
                    "low-space");

    private static final Map<String, Allocation> ALLOCATIONS =
            Words.inOrder(
                    List.of("sparse", "reserve", "full"),
                    List.of(Allocation.SPARSE, Allocation.RESERVE, Allocation.FULL));
    private static final Map<String, CacheMode> CACHE_MODES =
            Words.inOrder(
                    List.of("write-back", "write-through", "direct"),
                    List.of(CacheMode.WRITE_BACK, CacheMode.WRITE_THROUGH, CacheMode.DIRECT));

    private static final Map<String, AccessState> ACCESS_STATES =
            Words.inOrder(
                    List.of("active-optimized", "active-non-optimized", "standby", "unavailable"),
                    List.of(AccessState.values()));

    /// RFC 7143 13.9 TargetPortalGroupTag: 16 bits; 0 is left out because tools take it for none.
    private static final int MAX_GROUP = 65535;

    /// Each is a target port, and REPORT TARGET PORT GROUPS counts them with 8 bits.
    private static final int MAX_GROUPS = 255;

    /// What the 14 bits of flat space addressing hold.
    static final int MAX_LUN = 16383;

    /// The page size of any file system that holds images, and of large-block drives.
    private static final int MAX_PHYSICAL_BLOCK_BYTES = 64 << 10;

    /// Less would cut off initiators that are only busy; connections are looked at once a second.
    private static final Duration MIN_KEEPALIVE = Duration.ofSeconds(1);

    private static final Duration MAX_KEEPALIVE = Duration.ofHours(1);

    private static final Duration DEFAULT_KEEPALIVE = Duration.ofSeconds(30);

    private static final int DEFAULT_BLOCK_BYTES = 512;
    private static final int LARGE_BLOCK_BYTES = 4096;
    private static final int DEFAULT_PHYSICAL_BLOCK_BYTES = 4096;

    /// The unit serial number is a field of printable ASCII; tools cut longer ones.
    private static final Pattern SERIAL = Pattern.compile("[!-~]([ -~]{0,62}[!-~])?");

    /// What `sun_path` holds besides its final zero.
    private static final int MAX_SOCKET_PATH_BYTES = 107;

    private final Path file;
    private final Path directory;
    private final Set<Feature> served;
    private final Images images = new Images();
    private final Credentials credentials;
    private final AccessKeys accessKeys;
    private final Map<String, Integer> serialLines = new HashMap<>();
    private final IdentifierKeys identifierKeys = new IdentifierKeys();
    private final Map<String, Integer> listenLines = new HashMap<>();
    private final Set<Integer> groups = new HashSet<>();

    ConfigurationReader(Path file, Set<Feature> served) {
        this.file = file;
        this.directory = file.resolveSibling("");
        this.served = served;
        this.credentials = new Credentials(directory);
        this.accessKeys = new AccessKeys(credentials);
    }

    /// Reads the root of the file.
    ///
    /// @return nothing when there are problems, which the entry's collector then has
    Optional<Configuration> read(Entry root) {
        Optional<Section> section = root.section(KEYS);
        if (section.isEmpty()) {
            return Optional.empty();
        }
        Section keys = section.get();
        List<Portal> portals = portals(keys);
        Optional<Path> control = keys.optional("control").flatMap(this::control);
        Optional<Configuration.Metrics> metrics = keys.optional("metrics").flatMap(this::metrics);
        Optional<Configuration.Isns> isns = keys.optional("isns").flatMap(IsnsKeys::read);
        Configuration.Limits limits =
                keys.optional("limits")
                        .flatMap(e -> e.section(LimitKeys.KEYS))
                        .map(LimitKeys::read)
                        .orElse(Configuration.Limits.DEFAULT);
        Duration keepalive =
                keys.optional("keepalive")
                        .flatMap(e -> TimeSpan.read(e, MIN_KEEPALIVE, MAX_KEEPALIVE))
                        .orElse(DEFAULT_KEEPALIVE);
        List<Configuration.Auth> discoveryAuth =
                keys.optional("discovery-auth").map(credentials::read).orElse(List.of());
        List<Target> targets = targets(keys);
        credentials.check();
        return root.problems().none()
                ? Optional.of(
                        new Configuration(
                                file,
                                portals,
                                control,
                                metrics,
                                isns,
                                limits,
                                keepalive,
                                discoveryAuth,
                                targets))
                : Optional.empty();
    }

    private List<Portal> portals(Section keys) {
        List<Portal> portals = new ArrayList<>();
        Optional<Entry> list = keys.required("portals", "[{listen: \"127.0.0.1:3260\"}]");
        for (Entry item : list.map(Entry::items).orElse(List.of())) {
            item.section(PORTAL_KEYS).flatMap(this::portal).ifPresent(portals::add);
        }
        return List.copyOf(portals);
    }

    private Optional<Portal> portal(Section keys) {
        Optional<Entry> listen = keys.required("listen", "\"127.0.0.1:3260\"");
        Optional<InetSocketAddress> address = listen.flatMap(Address::read);
        Optional<Entry> tag = keys.optional("group");
        int group = tag.flatMap(e -> e.integer(1, MAX_GROUP)).orElse(1);
        if (groups.add(group) && groups.size() == MAX_GROUPS + 1) {
            tag.or(() -> listen)
                    .ifPresent(entry ->
                            entry.wrong("there are at most " + MAX_GROUPS + " portal groups"));
        }
        return address.isEmpty()
                ? Optional.empty()
                : claimed(listen.orElseThrow(), address.get())
                        .map(free -> new Portal(free, group, listen.orElseThrow().line()));
    }

    /// An address that nothing else of the file listens on.
    private Optional<InetSocketAddress> claimed(Entry entry, InetSocketAddress address) {
        // Port 0 asks for any free port, so two of them are two.
        // As text, since link-local addresses of two links count as equal otherwise.
        Integer earlier =
                address.getPort() == 0
                        ? null
                        : listenLines.putIfAbsent(
                                address.getAddress().getHostAddress() + ' ' + address.getPort(),
                                entry.line());
        return earlier == null
                ? Optional.of(address)
                : entry.wrong("this address is already listened on, line " + earlier);
    }

    private Optional<Path> control(Entry entry) {
        refuseUnserved(entry, Feature.CONTROL);
        Optional<Path> socket = entry.path(directory);
        if (socket.isPresent()
                && socket.get().toString().getBytes(StandardCharsets.UTF_8).length
                        > MAX_SOCKET_PATH_BYTES) {
            return entry.wrong(
                    socket.get()
                            + " is too long for a socket; at most "
                            + MAX_SOCKET_PATH_BYTES
                            + " bytes fit");
        }
        return socket;
    }

    private Optional<Configuration.Metrics> metrics(Entry entry) {
        refuseUnserved(entry, Feature.METRICS);
        return Address.read(entry)
                .flatMap(address -> claimed(entry, address))
                .map(address -> new Configuration.Metrics(address, entry.line()));
    }

    private void refuseUnserved(Entry entry, Feature feature) {
        if (!served.contains(feature)) {
            entry.wrong(feature.refusal());
        }
    }

    private List<Target> targets(Section keys) {
        List<Target> targets = new ArrayList<>();
        Map<String, Integer> lines = new HashMap<>();
        Optional<Entry> list = keys.required("targets", "a list of targets");
        for (Entry item : list.map(Entry::items).orElse(List.of())) {
            item.section(TARGET_KEYS).flatMap(t -> target(t, lines)).ifPresent(targets::add);
        }
        return List.copyOf(targets);
    }

    private Optional<Target> target(Section keys, Map<String, Integer> lines) {
        Optional<Entry> name = keys.required("iqn", "iqn.2026-11.io.lunkeeper:vm1");
        Optional<String> iqn = name.flatMap(IscsiName::read);
        if (iqn.isPresent()) {
            Entry entry = name.orElseThrow();
            Integer earlier = lines.putIfAbsent(iqn.get(), entry.line());
            if (earlier != null) {
                entry.wrong("there is already a target of this name, line " + earlier);
            }
        }
        AccessState accessState =
                keys.optional("access-state")
                        .flatMap(e -> e.choice(ACCESS_STATES))
                        .orElse(AccessState.ACTIVE_OPTIMIZED);
        boolean isns = keys.optional("isns").flatMap(Entry::flag).orElse(true);
        Optional<Configuration.Moved> moved =
                keys.optional("moved")
                        .flatMap(e -> e.section(MOVED_KEYS))
                        .flatMap(ConfigurationReader::moved);
        Map<Integer, Integer> lunLines = new HashMap<>();
        List<Lun> luns = luns(keys, lunLines);
        List<Configuration.Access> access = accessKeys.read(keys, lunLines.keySet());
        return iqn.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new Target(
                                iqn.get(),
                                keys.optional("alias").flatMap(IscsiName::readAlias),
                                access,
                                accessState,
                                isns,
                                moved,
                                luns,
                                name.orElseThrow().line()));
    }

    private static Optional<Configuration.Moved> moved(Section keys) {
        Optional<Entry> to = keys.required("to", "\"192.0.2.20:3260\"");
        boolean permanent = keys.optional("permanent").flatMap(Entry::flag).orElse(false);
        return to.flatMap(Address::readElsewhere)
                .map(address -> new Configuration.Moved(address, permanent));
    }

    /// A target that has moved may have left its disks here, or not.
    private List<Lun> luns(Section keys, Map<Integer, Integer> lines) {
        List<Lun> luns = new ArrayList<>();
        Optional<Entry> list =
                keys.optional("moved").isPresent()
                        ? keys.optional("luns")
                        : keys.required("luns", "[{lun: 0, image: disk.img, size: 4GiB}]");
        for (Entry item : list.map(Entry::items).orElse(List.of())) {
            item.section(LUN_KEYS).flatMap(l -> lun(l, lines)).ifPresent(luns::add);
        }
        return List.copyOf(luns);
    }

    private Optional<Lun> lun(Section keys, Map<Integer, Integer> lines) {
        Optional<Integer> number = number(keys, lines);
        int blockBytes =
                keys.optional("block-size")
                        .flatMap(ConfigurationReader::blockBytes)
                        .orElse(DEFAULT_BLOCK_BYTES);
        Optional<Entry> imageEntry = keys.required("image", "images/vm1.img");
        Optional<LunSpec> image = imageEntry.flatMap(e -> image(keys, e, blockBytes));
        int physicalBytes =
                keys.optional("physical-block-size")
                        .flatMap(e -> physicalBlockBytes(e, blockBytes))
                        .orElse(Math.max(blockBytes, DEFAULT_PHYSICAL_BLOCK_BYTES));
        Optional<String> serial = keys.optional("serial").flatMap(this::serial);
        List<Configuration.Identifier> identifiers = identifierKeys.read(keys);
        if (number.isEmpty() || image.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new Lun(
                        number.get(),
                        image.get(),
                        physicalBytes,
                        serial,
                        identifiers,
                        imageEntry.orElseThrow().line()));
    }

    private static Optional<Integer> number(Section keys, Map<Integer, Integer> lines) {
        Optional<Entry> entry = keys.required("lun", "0");
        Optional<Integer> number = entry.flatMap(e -> e.integer(0, MAX_LUN));
        if (number.isPresent()) {
            Integer earlier = lines.putIfAbsent(number.get(), entry.orElseThrow().line());
            if (earlier != null) {
                return entry.orElseThrow()
                        .wrong("LUN " + number.get() + " is already given, line " + earlier);
            }
        }
        return number;
    }

    private Optional<LunSpec> image(Section keys, Entry entry, int blockBytes) {
        Optional<Long> size = keys.optional("size").flatMap(e -> ByteCount.read(e, blockBytes));
        Allocation allocation =
                keys.optional("allocate")
                        .flatMap(e -> e.choice(ALLOCATIONS))
                        .orElse(Allocation.SPARSE);
        CacheMode cacheMode =
                keys.optional("cache")
                        .flatMap(e -> e.choice(CACHE_MODES))
                        .orElse(CacheMode.WRITE_BACK);
        boolean readOnly = keys.optional("read-only").flatMap(Entry::flag).orElse(false);
        if (readOnly && allocation != Allocation.SPARSE) {
            keys.optional("allocate")
                    .orElseThrow()
                    .wrong("a read-only image is not allocated; remove allocate or read-only");
        }
        OptionalLong sizeBytes = size.map(OptionalLong::of).orElse(OptionalLong.empty());
        boolean sized = keys.optional("size").isPresent();
        return entry.path(directory)
                .map(p ->
                        new LunSpec(
                                p,
                                sizeBytes,
                                allocation,
                                cacheMode,
                                blockBytes,
                                readOnly,
                                TuningKeys.read(keys)))
                .flatMap(spec -> images.claim(entry, spec, sized));
    }

    private static Optional<Integer> blockBytes(Entry entry) {
        Optional<Integer> bytes = entry.integer(DEFAULT_BLOCK_BYTES, LARGE_BLOCK_BYTES);
        return bytes.isEmpty()
                        || bytes.get() == DEFAULT_BLOCK_BYTES
                        || bytes.get() == LARGE_BLOCK_BYTES
                ? bytes
                : entry.wrong("must be 512 or 4096, not " + bytes.get());
    }

    private static Optional<Integer> physicalBlockBytes(Entry entry, int blockBytes) {
        Optional<Integer> bytes = entry.integer(blockBytes, MAX_PHYSICAL_BLOCK_BYTES);
        return bytes.isEmpty() || Integer.bitCount(bytes.get()) == 1
                ? bytes
                : entry.wrong("must be a power of two, such as 4096, not " + bytes.get());
    }

    private Optional<String> serial(Entry entry) {
        Optional<String> serial = entry.text();
        if (serial.isEmpty()) {
            return serial;
        }
        if (!SERIAL.matcher(serial.get()).matches()) {
            return entry.wrong(
                    Problems.quoted(serial.get())
                            + " must be 1 to 64 printable ASCII characters, no space at its ends");
        }
        // Initiators take two LUNs of one serial number for two paths to one disk.
        Integer earlier = serialLines.putIfAbsent(serial.get(), entry.line());
        return earlier == null
                ? serial
                : entry.wrong("another LUN has this serial number, line " + earlier);
    }
}

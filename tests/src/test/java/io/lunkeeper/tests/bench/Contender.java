package io.lunkeeper.tests.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.FreePort;
import io.lunkeeper.tests.rig.Tool;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A target that is measured: a process with a disk of its own, another whose image leaves the page
/// cache between rounds, and sparse disks for first writes. One thread.
final class Contender implements AutoCloseable {
    /// The names of those that a report speaks of.
    static final String OURS = "Lunkeeper";

    static final String NULL = "null";
    static final String BARE = "bare C";
    static final String ISTGT = "istgt";
    static final String JSCSI = "jSCSI";

    private static final String IQN = "iqn.2026-11.io.lunkeeper:bench";
    private static final Duration START_LIMIT = Duration.ofMinutes(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);

    /// Clock ticks per second in /proc; Linux shows 100 to programs whatever it has.
    private static final double TICKS_PER_SECOND = 100;

    private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");

    /// How a target is started.
    ///
    /// @param disk the LUN of the disk; the others follow
    /// @param images in the order of the LUNs: the disk's, the aged disk's, sparse ones
    /// @param ready what it prints when it serves; empty when it just listens
    private record Start(
            String name,
            int port,
            int disk,
            List<Path> images,
            Path log,
            String ready,
            List<String> command) {}

    private final Start start;
    private Process process;
    private double startSeconds;

    private Contender(Start start) throws IOException {
        this.start = start;
        this.process = launch();
        // Also when the bench itself is told to end.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> process.destroyForcibly()));
    }

    private Process launch() throws IOException {
        long begin = System.nanoTime();
        process =
                new ProcessBuilder(start.command)
                        .redirectErrorStream(true)
                        .redirectOutput(start.log.toFile())
                        .start();
        try {
            awaitReady();
        } catch (IOException failed) {
            close();
            throw failed;
        }
        startSeconds = (System.nanoTime() - begin) / 1e9;
        return process;
    }

    /// Ends it, and starts it again on the same images.
    void restart() throws IOException {
        close();
        launch();
    }

    // ---- who there is

    /// The target without storage, for what a target can reach at most.
    static Contender none(Path folder, Path executable, long imageGib) throws IOException {
        return none(NULL, folder, executable, imageGib, List.of());
    }

    /// The same with an image that it reads and writes and nothing else: what a target can reach
    /// that keeps its data in a file by the same system calls.
    static Contender bare(Path folder, Path executable, long imageGib, Path image)
            throws IOException {
        return none(BARE, folder, executable, imageGib, List.of(image));
    }

    private static Contender none(
            String name, Path folder, Path executable, long imageGib, List<Path> images)
            throws IOException {
        int port = FreePort.find();
        List<String> command =
                new ArrayList<>(List.of(executable.toString(), "" + port, "" + imageGib));
        images.forEach(image -> command.add(image.toString()));
        Path log = folder.resolve(name.replace(' ', '-') + ".log");
        return new Contender(new Start(name, port, 0, images, log, "ready", command));
    }

    /// Ourselves, with the configuration that an administrator would write.
    ///
    /// @param images the disk first; any that is not there becomes a sparse one
    static Contender lunkeeper(Path folder, List<Path> images, long sparseGib) throws IOException {
        int port = FreePort.find();
        StringBuilder yaml = new StringBuilder();
        yaml.append("portals: [{ listen: \"127.0.0.1:").append(port).append("\" }]\n");
        yaml.append("targets:\n  - iqn: ").append(IQN).append("\n    luns:\n");
        for (int lun = 0; lun < images.size(); lun++) {
            yaml.append("      - { lun: ").append(lun + 1);
            yaml.append(", image: \"").append(images.get(lun)).append('"');
            boolean there = Files.exists(images.get(lun));
            yaml.append(there ? "" : ", size: " + sparseGib + "GiB").append(" }\n");
        }
        Path file = folder.resolve("lunkeeper.yaml");
        Files.writeString(file, yaml);
        String launcher = Checkout.launcher().toString();
        return new Contender(
                new Start(
                        OURS,
                        port,
                        1,
                        images,
                        folder.resolve("lunkeeper.log"),
                        "lunkeeper ready",
                        List.of(launcher, "serve", "--config", file.toString())));
    }

    /// tgt from Debian as it comes, or with bursts as large as ours.
    static Contender tgt(Path folder, boolean tuned, List<Path> images, long sparseGib)
            throws IOException {
        int port = FreePort.find();
        int control = FreePort.find();
        String name = tuned ? "tgt tuned" : "tgt";
        for (Path image : images) {
            if (!Files.exists(image)) {
                sparse(image, sparseGib);
            }
        }
        Files.createDirectories(Path.of("/var/run/tgtd"));
        Contender tgt =
                new Contender(
                        new Start(
                                name,
                                port,
                                1,
                                images,
                                folder.resolve(name.replace(' ', '-') + ".log"),
                                "",
                                List.of(
                                        "tgtd",
                                        "-f",
                                        "-C",
                                        "" + control,
                                        "--iscsi",
                                        "portal=127.0.0.1:" + port)));
        admin(control, "-o new -m target -t 1 -T " + IQN);
        if (tuned) {
            Map.of(
                            "MaxRecvDataSegmentLength", "262144",
                            "FirstBurstLength", "262144",
                            "MaxBurstLength", "1048576",
                            "InitialR2T", "No",
                            "MaxOutstandingR2T", "8")
                    .forEach((key, value) ->
                            admin(control, "-o update -m target -t 1 -n " + key + " -v " + value));
        }
        for (int lun = 0; lun < images.size(); lun++) {
            admin(control, "-o new -m logicalunit -t 1 -l " + (lun + 1) + " -b " + images.get(lun));
        }
        admin(control, "-o bind -m target -t 1 -I 127.0.0.1");
        return tgt;
    }

    private static void admin(int control, String arguments) {
        List<String> command = new ArrayList<>(List.of("tgtadm", "-C", "" + control));
        command.addAll(List.of("--lld", "iscsi"));
        command.addAll(List.of(arguments.split(" ", -1)));
        Tool.of(command.toArray(String[]::new)).succeed();
    }

    /// istgt from Debian, its limits as large as ours.
    static Contender istgt(Path folder, List<Path> images) throws IOException {
        int port = FreePort.find();
        Path file = folder.resolve("istgt.conf");
        Files.writeString(
                file,
                """
                [Global]
                  NodeBase "iqn.2026-11.io.lunkeeper"
                  PidFile %1$s/istgt.pid
                  AuthFile %1$s/istgt.auth
                  MediaDirectory %1$s
                  LogFacility "local7"
                  Timeout 30
                  NopInInterval 20
                  DiscoveryAuthMethod None
                  MaxSessions 128
                  MaxConnections 4
                  MaxOutstandingR2T 16
                  FirstBurstLength 262144
                  MaxBurstLength 1048576
                  MaxRecvDataSegmentLength 262144
                [UnitControl]
                  AuthMethod None
                  Portal UC1 127.0.0.1:%4$d
                  Netmask 127.0.0.1
                [PortalGroup1]
                  Portal DA1 127.0.0.1:%2$d
                [InitiatorGroup1]
                  InitiatorName "ALL"
                  Netmask 127.0.0.1
                [LogicalUnit1]
                  TargetName bench
                  Mapping PortalGroup1 InitiatorGroup1
                  AuthMethod None
                  UnitType Disk
                  LUN0 Storage %3$s Auto
                  LUN1 Storage %5$s Auto
                """
                        .formatted(
                                folder,
                                port,
                                images.getFirst(),
                                FreePort.find(),
                                images.getLast()));
        Files.writeString(folder.resolve("istgt.auth"), "");
        return new Contender(
                new Start(
                        ISTGT,
                        port,
                        0,
                        images,
                        folder.resolve("istgt.log"),
                        "",
                        List.of("istgt", "-D", "-c", file.toString())));
    }

    /// jSCSI's own target, in a Java of its own.
    static Contender jscsi(Path folder, Path image) throws IOException {
        int port = FreePort.find();
        return new Contender(
                new Start(
                        JSCSI,
                        port,
                        0,
                        List.of(image),
                        folder.resolve("jscsi.log"),
                        "ready",
                        List.of(
                                ProcessHandle.current().info().command().orElse("java"),
                                "-cp",
                                System.getProperty("java.class.path", ""),
                                JscsiServer.class.getName(),
                                "" + port,
                                IQN,
                                image.toString())));
    }

    // ---- what it is

    String name() {
        return start.name;
    }

    int port() {
        return start.port;
    }

    String iqn() {
        return IQN;
    }

    /// The LUN of the disk.
    int disk() {
        return start.disk;
    }

    /// The LUN of the disk whose image leaves the page cache; sparse ones follow.
    int agedDisk() {
        return start.disk + 1;
    }

    /// In the order of the LUNs; none of a target without storage.
    List<Path> images() {
        return start.images;
    }

    /// How long it took from its start until it served.
    double startSeconds() {
        return startSeconds;
    }

    /// Processor time used so far by the server, in seconds.
    double processorSeconds() throws IOException {
        String stat = Files.readString(proc().resolve("stat"), UTF_8);
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
    }

    /// Memory that is resident, in KiB.
    long residentKib() throws IOException {
        Matcher found = RESIDENT.matcher(Files.readString(proc().resolve("status"), UTF_8));
        return found.find() ? Long.parseLong(found.group(1)) : 0;
    }

    private Path proc() {
        return Path.of("/proc", "" + process.pid());
    }

    // ---- life

    private void awaitReady() throws IOException {
        long end = System.nanoTime() + START_LIMIT.toNanos();
        while (!isReady()) {
            if (!process.isAlive() || System.nanoTime() - end > 0) {
                throw new IOException(
                        name() + " did not start: " + Files.readString(start.log, UTF_8));
            }
            pause();
        }
    }

    private boolean isReady() throws IOException {
        return start.ready.isEmpty()
                ? listens()
                : Files.readString(start.log, UTF_8).contains(start.ready);
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(10);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", stop);
        }
    }

    private boolean listens() throws IOException {
        try (Socket probe = new Socket()) {
            probe.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port()), 1000);
            return true;
        } catch (ConnectException | SocketTimeoutException _) {
            return false;
        }
    }

    private static void sparse(Path image, long gib) throws IOException {
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(gib << 30);
        }
    }

    /// Ends the server; one that ignores the request while it has targets is killed.
    @Override
    public void close() {
        process.destroy();
        try {
            if (name().startsWith("tgt")
                    || !process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
            process.waitFor();
        } catch (InterruptedException stop) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /// Where a program is, if it is installed.
    static Optional<Path> installed(String program) {
        return List.of(
                        "/usr/sbin",
                        "/usr/bin",
                        "/sbin",
                        "/bin",
                        "/usr/local/sbin",
                        "/usr/local/bin")
                .stream()
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst();
    }
}

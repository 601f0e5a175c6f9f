package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.target.ServeCommand.Opening;
import io.lunkeeper.target.ServeCommand.Serving;
import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.Problem;
import io.lunkeeper.target.config.UnservableException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CommandLineTest {
    private static final Opening NOTHING_OPENS =
            _ -> {
                throw new AssertionError("must not be opened");
            };

    private static final ServeCommand.Reloading NEVER =
            (_, _) -> {
                throw new AssertionError("nobody ordered it");
            };

    @TempDir Path directory;

    private static InetSocketAddress at(String address, int port) {
        return new InetSocketAddress(address, port);
    }

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Orders orders = new Orders();

    private int run(Opening opening, String... args) {
        return new CommandLine(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        Main.SERVED,
                        opening,
                        orders)
                .run(args);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    private String configuration(String extra) throws IOException {
        return Files.writeString(
                        directory.resolve("x.yaml"),
                        "portals: [{listen: \"127.0.0.1:0\"}]\n"
                                + "targets:\n  - iqn: iqn.2026-11.io.x:a\n"
                                + "    luns: [{lun: 3, image: a.img, size: 1MiB}]\n"
                                + extra)
                .toString();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "frobnicate | there is no command frobnicate",
                "secret 16 | unexpected argument 16",
                "help frobnicate | there is no command frobnicate",
                "help serve check | help takes one command",
                "version x | version takes no arguments",
                "serve | needs exactly one --config FILE",
                "check | needs exactly one --config FILE",
                "check --config | --config needs a FILE",
                "check --config a --config b | needs exactly one --config FILE",
                "check --config a b | unexpected argument b",
                "check --conf a | Unrecognized option: --conf",
                "serve --port 1 | Unrecognized option: --port",
            })
    void wrongUsageIsOneLineAndCode2(String args, String fault) {
        assertEquals(CommandLine.USAGE, run(NOTHING_OPENS, args.split(" ")));
        assertEquals("lunkeeper: " + fault + "; see: lunkeeper help\n", err());
        assertEquals("", out());
    }

    @Test
    void noArgumentsShowHelpAsAnError() {
        assertEquals(CommandLine.USAGE, run(NOTHING_OPENS));
        assertTrue(err().contains("lunkeeper serve --config FILE"));
    }

    @ParameterizedTest
    @CsvSource({
        "help",
        "-h",
        "--help",
        "help serve",
        "help check",
        "serve -h",
        "check --help",
        "help secret"
    })
    void helpIsFine(String args) {
        assertEquals(CommandLine.FINE, run(NOTHING_OPENS, args.split(" ")));
        assertTrue(out().contains("lunkeeper"), out());
        assertEquals("", err());
    }

    /// RFC 7143 9.2.1 CHAP Considerations.
    @Test
    void printsASecretOf128RandomBits() {
        for (int count = 0; count < 100; count++) {
            assertEquals(CommandLine.FINE, run(NOTHING_OPENS, "secret"));
        }
        assertEquals("", err());
        List<String> secrets = out().lines().toList();
        assertEquals(100, secrets.size());
        assertEquals(100, secrets.stream().distinct().count());
        for (String secret : secrets) {
            assertEquals(16, Base64.getDecoder().decode(secret).length, secret);
        }
    }

    @Test
    void aSecretFileTakesWhatItPrints() throws IOException {
        run(NOTHING_OPENS, "secret");
        Path file = Files.writeString(directory.resolve("alice"), out());
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        String extra = "    auth: { user: alice, secret-file: alice }\n";
        int code = run(NOTHING_OPENS, "check", "--config", configuration(extra));
        assertEquals("", err());
        assertEquals(CommandLine.FINE, code);
    }

    @Test
    void aSecretThatCannotBeWrittenIsAnError() {
        PrintStream full = new PrintStream(new FullDevice());
        PrintStream told = new PrintStream(err, true, StandardCharsets.UTF_8);
        CommandLine command = new CommandLine(full, told, Main.SERVED, NOTHING_OPENS, orders);
        assertEquals(CommandLine.FAILED, command.run(new String[] {"secret"}));
        assertEquals("lunkeeper: the secret could not be written\n", err());
    }

    private static final class FullDevice extends OutputStream {
        @Override
        public void write(int octet) throws IOException {
            throw new IOException("No space left on device");
        }
    }

    @Test
    void versionNamesJava() {
        assertEquals(CommandLine.FINE, run(NOTHING_OPENS, "version"));
        assertEquals("lunkeeper (not packaged), Java " + Runtime.version() + "\n", out());
    }

    @Test
    void checkCountsAndCreatesNothing() throws Exception {
        String file = configuration("");
        assertEquals(CommandLine.FINE, run(NOTHING_OPENS, "check", "--config", file));
        assertEquals(file + ": ok, 1 target, 1 LUN, 1 portal\n", out());
        try (var left = Files.list(directory)) {
            assertEquals(List.of(Path.of(file)), left.toList());
        }
    }

    @Test
    void everyProblemIsALineAndNothingIsOpened() throws Exception {
        String file = configuration("colour: red\ncontrol: x.sock\n");
        String problems =
                "lunkeeper: "
                        + file
                        + ":5: unknown key \"colour\"; known here: portals, control, metrics,"
                        + " isns, limits, keepalive, discovery-auth, targets\nlunkeeper: "
                        + file
                        + ":6: control: the control socket is not supported by this version;"
                        + " remove control\n";
        for (String command : List.of("check", "serve")) {
            err.reset();
            assertEquals(CommandLine.USAGE, run(NOTHING_OPENS, command, "-c", file));
            assertEquals(problems, err());
            assertEquals("", out());
        }
    }

    @Test
    void serveSaysReadyAndHowToAttachAndEndsClean() throws Exception {
        String file = configuration("");
        AtomicBoolean ended = new AtomicBoolean();
        orders.stop();
        int code =
                run(
                        _ ->
                                new Serving(
                                        List.of(at("0.0.0.0", 4711), at("::1", 4712)),
                                        NEVER,
                                        () -> ended.set(true)),
                        "serve",
                        "--config",
                        file);
        assertEquals(CommandLine.FINE, code);
        assertTrue(ended.get());
        assertEquals("lunkeeper ready: 0.0.0.0:4711,[::1]:4712\n", out());
        assertTrue(
                err().contains("iscsiadm -m node -T iqn.2026-11.io.x:a -p 127.0.0.1:4711 --login"),
                err());
        assertTrue(err().contains("file=iscsi://127.0.0.1:4711/iqn.2026-11.io.x:a/3"), err());
    }

    @Test
    void reloadsWhatTheFileSaysByThenAndGoesOnWhateverComesOfIt() throws Exception {
        String file = configuration("");
        List<Long> sizes = new ArrayList<>();
        Problem full = new Problem(4, "targets[0].luns[0].size", "no room");
        List<String> contents =
                List.of(
                        Files.readString(Path.of(file)).replace("1MiB", "2MiB"),
                        Files.readString(Path.of(file)).replace("1MiB", "3MiB"));
        Opening opening =
                _ -> {
                    Files.writeString(Path.of(file), contents.getFirst());
                    orders.reload();
                    return new Serving(
                            List.of(at("127.0.0.1", 1)),
                            (read, unavailable) -> {
                                sizes.add(size(read));
                                if (sizes.size() == 1) {
                                    write(file, contents.get(1));
                                    orders.reload();
                                    return;
                                }
                                orders.stop();
                                unavailable.accept(full);
                            },
                            () -> {});
                };
        assertEquals(CommandLine.FINE, run(opening, "serve", "-c", file));
        assertEquals(List.of(2L << 20, 3L << 20), sizes);
        assertTrue(err().contains("lunkeeper: " + file + ": reloaded\n"), err());
        assertTrue(
                err().endsWith(
                                "lunkeeper: "
                                        + file
                                        + ":4: targets[0].luns[0].size: no room\nlunkeeper: "
                                        + file
                                        + ": reloaded but for what is said above; SIGHUP tries"
                                        + " that again\n"),
                err());
    }

    private static void write(String file, String content) {
        try {
            Files.writeString(Path.of(file), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long size(Configuration configuration) {
        return configuration
                .targets()
                .getFirst()
                .luns()
                .getFirst()
                .image()
                .sizeBytes()
                .orElseThrow();
    }

    @Test
    void failureToServeNamesThePlaceInTheFile() throws Exception {
        String file = configuration("");
        Problem taken = new Problem(1, "portals[0].listen", "the port is taken");
        Opening opening =
                _ -> {
                    throw new UnservableException(taken, new IOException());
                };
        assertEquals(CommandLine.FAILED, run(opening, "serve", "-c", file));
        assertEquals("lunkeeper: " + file + ":1: portals[0].listen: the port is taken\n", err());
        assertEquals("", out());
    }

    @Test
    void anyOtherFailureIsOneLineToo() throws Exception {
        String file = configuration("");
        Opening opening =
                _ -> {
                    throw new IOException("too many open files");
                };
        assertEquals(CommandLine.FAILED, run(opening, "serve", "-c", file));
        assertEquals(
                "lunkeeper: "
                        + file
                        + ": cannot be served: java.io.IOException: too many open files\n",
                err());
    }

    @Test
    void lostDataAtTheEndIsAFailure() throws Exception {
        orders.stop();
        Opening opening =
                _ ->
                        new Serving(
                                List.of(at("127.0.0.1", 1)),
                                NEVER,
                                () -> {
                                    throw new IOException("flush failed");
                                });
        assertEquals(CommandLine.FAILED, run(opening, "serve", "-c", configuration("")));
        assertTrue(
                err().endsWith(
                                "lunkeeper: acknowledged data may be lost: java.io.IOException:"
                                        + " flush failed\n"),
                err());
    }

    @ParameterizedTest
    @CsvSource({
        "::1, [::1]:1",
        "::, [::]:1",
        "1:0:0:2:0:0:0:3, [1:0:0:2::3]:1",
        "1:0:2:3:4:5:6:7, [1:0:2:3:4:5:6:7]:1",
        "fe80::, [fe80::]:1",
        "10.0.0.0, 10.0.0.0:1",
    })
    void addressesAreWrittenForTools(String address, String text) {
        assertEquals(text, PortalAddress.text(new InetSocketAddress(address, 1)));
    }

    @Test
    void tellsWhatIsKnownOfAnImage() throws IOException {
        Path image = directory.resolve("vm.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(8 << 20);
            file.seek(1 << 20);
            file.write(new byte[1 << 20]);
            file.getFD().sync();
        }
        assertEquals(0, run(NOTHING_OPENS, "check", "--image", image + ""), this::err);
        String report = out();
        assertTrue(report.startsWith("image " + image + " can be served\n"), report);
        for (String part :
                new String[] {
                    "open in        no other process",
                    "size           8388608 bytes (8.0 MiB)",
                    "7.0 MiB, 87.5 %",
                    "allocated      1.0 MiB",
                    "writes"
                }) {
            assertTrue(report.contains(part), () -> part + " in " + report);
        }
    }

    @Test
    void imageThatIsServedIsReportedAsInUse() throws IOException {
        Path image = directory.resolve("vm.img");
        LunSpec spec =
                new LunSpec(
                        image,
                        OptionalLong.of(1 << 20),
                        Allocation.SPARSE,
                        CacheMode.WRITE_BACK,
                        512,
                        false);
        try (LunBackend lun = LunBackend.open(spec)) {
            assertEquals(1 << 20, lun.sizeBytes());
            assertEquals(1, run(NOTHING_OPENS, "check", "--image", image + ""));
            assertTrue(out().contains("cannot be served for writing"), this::out);
            assertTrue(out().contains("locked"), this::out);
        }
        assertEquals(0, run(NOTHING_OPENS, "check", "--image", image + ""), this::out);
    }

    @Test
    void imageThatIsNotThereCannotBeToldOf() {
        Path missing = directory.resolve("missing.img");
        assertEquals(1, run(NOTHING_OPENS, "check", "-i", missing + ""));
        assertTrue(err().contains(missing + " cannot be opened"), this::err);
        assertEquals(2, run(NOTHING_OPENS, "check", "--image"));
        assertEquals(2, run(NOTHING_OPENS, "check", "--image", "a", "--config", "b"));
    }
}

package io.lunkeeper.tests.guest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lunkeeper.tests.rig.Checkout;
import io.lunkeeper.tests.rig.Tool;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Boots the guest of `tests/guest` under QEMU, hands it the steps and hears what comes of them.
final class GuestMachine {
    /// A quiet machine needs six minutes under emulation.
    private static final Duration LIMIT = Duration.ofMinutes(15);

    /// Downloading the kernel package included.
    private static final Duration BUILD_LIMIT = Duration.ofMinutes(3);

    /// Emulated, so that it runs alike where there is no KVM; the clock is not doubted, names of
    /// interfaces stay as the steps know them.
    private static final String KERNEL_ARGUMENTS =
            "console=ttyS0 panic=-1 net.ifnames=0 mitigations=off nokaslr no_timer_check"
                    + " random.trust_cpu=on";

    /// The user-mode network that makes the host's loopback portal reachable under its own address.
    private static final String NETWORK =
            "user,id=net,net=127.0.0.0/24,host=127.0.0.1,dns=127.0.0.3,dhcpstart=127.0.0.20,ipv6=off";

    /// What became of a step.
    ///
    /// @param output what it said, when it failed
    record Step(String name, boolean passed, String output) {}

    private final Path folder = Checkout.scratch().resolve("guest");
    private final Map<String, Runnable> actions;
    private final List<Step> steps = new ArrayList<>();
    private final StringBuilder output = new StringBuilder();
    private boolean done;

    /// A machine whose steps may ask the host for `actions` by name.
    GuestMachine(Map<String, Runnable> actions) {
        this.actions = actions;
    }

    /// Runs all steps against a target on this machine's loopback.
    ///
    /// @param parameters what the steps know of it: `NAME=VALUE` in each line
    /// @throws AssertionError when the guest did not come to its end
    List<Step> run(String parameters) throws IOException {
        Path sources = Checkout.root().resolve("tests/guest");
        Tool.of(sources.resolve("build").toString(), folder.toString())
                .within(BUILD_LIMIT)
                .succeed();
        Path initrd = folder.resolve("initrd");
        Files.copy(folder.resolve("initramfs"), initrd, StandardCopyOption.REPLACE_EXISTING);
        appendArchive(initrd, "parameters", parameters.getBytes(US_ASCII));
        for (String name : List.of("steps", "outages")) {
            appendArchive(initrd, name, Files.readAllBytes(sources.resolve(name)));
        }

        Process machine = boot(initrd);
        Thread limit = Thread.ofPlatform().daemon().start(() -> endAfterLimit(machine));
        try (BufferedReader lines = machine.inputReader(ISO_8859_1)) {
            String line;
            while ((line = lines.readLine()) != null) {
                hear(line.strip(), machine.getOutputStream());
            }
        } finally {
            limit.interrupt();
            machine.destroyForcibly();
        }
        if (!done) {
            throw new AssertionError(
                    "the guest did not come to its end; steps: %s%nconsole:%n%s"
                            .formatted(steps, console()));
        }
        return List.copyOf(steps);
    }

    /// The end of the kernel's and the steps' own log.
    String console() throws IOException {
        List<String> lines = Files.readAllLines(folder.resolve("console.log"), ISO_8859_1);
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
    }

    private Process boot(Path initrd) throws IOException {
        List<String> command = new ArrayList<>();
        command.add("qemu-system-x86_64");
        command.addAll(List.of("-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "768"));
        command.addAll(List.of("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"));
        command.addAll(List.of("-kernel", folder.resolve("kernel").toString()));
        command.addAll(List.of("-initrd", initrd.toString(), "-append", KERNEL_ARGUMENTS));
        command.addAll(List.of("-serial", "file:" + folder.resolve("console.log")));
        command.addAll(List.of("-serial", "stdio"));
        command.addAll(List.of("-netdev", NETWORK));
        command.addAll(List.of("-device", "virtio-net-pci,netdev=net,romfile="));
        return new ProcessBuilder(command)
                .redirectError(folder.resolve("qemu.log").toFile())
                .start();
    }

    private static void endAfterLimit(Process machine) {
        try {
            if (!machine.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                machine.destroyForcibly();
            }
        } catch (InterruptedException _) {
            // The machine has ended before its limit.
        }
    }

    /// One line of the language that `tests/guest/steps` describes at its top.
    private void hear(String line, OutputStream answer) throws IOException {
        String[] words = line.split(" ", 2);
        switch (words[0]) {
            case "PASS", "FAIL" -> {
                steps.add(new Step(words[1], words[0].equals("PASS"), ""));
                System.out.println("guest: " + line);
            }
            case "|" -> appendToLast(words.length > 1 ? words[1] : "");
            case "HOST" -> answer.write((act(words[1]) + "\n").getBytes(US_ASCII));
            case "DONE" -> done = true;
            default -> System.out.println("guest says: " + line);
        }
        answer.flush();
    }

    private String act(String action) {
        Runnable known = actions.get(action);
        if (known == null) {
            return "unknown";
        }
        known.run();
        return "ok";
    }

    private void appendToLast(String text) {
        output.setLength(0);
        Step last = steps.removeLast();
        output.append(last.output()).append(text).append('\n');
        steps.add(new Step(last.name(), last.passed(), output.toString()));
    }

    /// Appends one file to an initramfs as an archive of its own, which the kernel unpacks over the
    /// archives before it (cpio, newc format).
    private static void appendArchive(Path initramfs, String name, byte[] content)
            throws IOException {
        try (OutputStream out = Files.newOutputStream(initramfs, StandardOpenOption.APPEND)) {
            appendEntry(out, name, 0100644, content);
            appendEntry(out, "TRAILER!!!", 0, new byte[0]);
        }
    }

    private static void appendEntry(OutputStream out, String name, int mode, byte[] content)
            throws IOException {
        StringBuilder header = new StringBuilder("070701");
        int[] fields = {0, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length() + 1, 0};
        for (int field : fields) {
            header.append("%08x".formatted(field));
        }
        header.append(name).append('\0');
        writePadded(out, header.toString().getBytes(US_ASCII));
        writePadded(out, content);
    }

    private static void writePadded(OutputStream out, byte[] bytes) throws IOException {
        out.write(bytes);
        out.write(new byte[-bytes.length & 3]);
    }
}

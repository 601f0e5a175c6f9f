package io.lunkeeper.target;

import io.lunkeeper.lun.ImageReport;
import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationException;
import io.lunkeeper.target.config.ConfigurationFile;
import io.lunkeeper.target.config.Feature;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.MissingArgumentException;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;

/// The commands and their options.
final class CommandLine {
    static final int FINE = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;

    private static final String HELP =
            """
            lunkeeper: an iSCSI target that serves image files as LUNs

            lunkeeper serve --config FILE   serve in the foreground until SIGTERM or SIGINT
            lunkeeper check --config FILE   check a configuration, change nothing
            lunkeeper check --image FILE    tell what is known of an image, change nothing
            lunkeeper secret                print a random secret for CHAP
            lunkeeper train                 learn how to start faster, takes ten seconds
            lunkeeper help [COMMAND]        show this, or more about a command
            lunkeeper version               show the version

            Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.
            LUNKEEPER_JAVA_OPTS adds options for the Java virtual machine.
            """;

    private static final String SERVE_HELP =
            """
            lunkeeper serve --config FILE

            Opens the images, creating those that are missing and have a size, listens on the
            portals, and prints "lunkeeper ready: HOST:PORT[,HOST:PORT...]" on standard output when
            initiators can log in. The log goes to standard error. SIGTERM and SIGINT end it: what
            was written is flushed, the images are released, and the exit code is 0.

            With metrics in the configuration it answers HTTP there from the start on: /metrics for
            Prometheus, /status for people, also while images are still being filled.

            SIGHUP reads the configuration again. A LUN whose size is larger now grows while it is
            served, and every initiator is told; a file with any other change is refused as a whole.

              -c, --config FILE   the configuration; its paths are relative to it
            """;

    private static final String CHECK_HELP =
            """
            lunkeeper check --config FILE

            Checks everything that can be known without opening an image or a port: keys, values,
            names, secret files, and the size and kind of images that exist. Reports every problem
            as FILE:LINE: KEY: what is wrong. Creates, locks and changes nothing.

              -c, --config FILE   the configuration; its paths are relative to it

            lunkeeper check --image FILE

            Tells what can be known of an image: who has it open, its space, its extents by state,
            in how many pieces it lies on the device, and how writes to it would go. Opens it for
            reading, locks and changes nothing, so it may be in use. Exits with 1 when it could not
            be served for writing now.

              -i, --image FILE    the image
            """;

    private static final String SECRET_HELP =
            """
            lunkeeper secret

            Prints a random secret for CHAP on one line: 128 bits in Base64, 24 characters, all of
            which are the secret. A secret file takes it as it is:

              (umask 077; lunkeeper secret > secrets/alice)

            The initiator is given the same line. Initiator and target need a secret each where both
            prove themselves. Initiators that take 16 characters at most, as that of Windows does,
            can have 96 bits: head -c 12 /dev/urandom | base64
            """;

    /// RFC 7143 9.2.1 CHAP Considerations.
    private static final int SECRET_BYTES = 16;

    private static final String TRAIN_HELP =
            """
            lunkeeper train

            Serves a small image of its own to itself for some seconds, and keeps what the Java
            virtual machine learns from that beside the jars. Later starts, of the same jars with
            the same Java, take about half of the time, and the first seconds are faster. Whatever
            does not fit is ignored, so train again after an update. In a checkout this is done
            after every build.
            """;

    /// Until the hot methods have long been compiled by the best compiler, on a slow machine too.
    private static final Duration TRAINING = Duration.ofSeconds(5);

    private static final String SEE_HELP = "; see: lunkeeper help";

    private final PrintStream out;
    private final PrintStream err;
    private final Set<Feature> served;
    private final ServeCommand.Opening opening;
    private final Orders orders;

    /// @param opening how a server is opened
    /// @param orders what `serve` does while it runs
    CommandLine(
            PrintStream out,
            PrintStream err,
            Set<Feature> served,
            ServeCommand.Opening opening,
            Orders orders) {
        this.out = out;
        this.err = err;
        this.served = served;
        this.opening = opening;
        this.orders = orders;
    }

    /// Runs one command to its end.
    ///
    /// @return the exit code
    int run(String[] args) {
        if (args.length == 0) {
            err.print(HELP);
            return USAGE;
        }
        List<String> rest = Arrays.asList(args).subList(1, args.length);
        return switch (args[0]) {
            case "serve" -> configured(rest, SERVE_HELP, this::serve);
            case "check" -> check(rest);
            case "secret" -> parsed(rest, new Options(), SECRET_HELP, _ -> secret());
            case "train" -> train(rest);
            case "help", "-h", "--help" -> help(rest);
            case "version", "--version" -> version(rest);
            default -> usage("there is no command " + args[0]);
        };
    }

    private int serve(String file, Configuration configuration) {
        return new ServeCommand(out, err, file, served).run(configuration, opening, orders);
    }

    private int check(List<String> rest) {
        boolean image = rest.stream().anyMatch(a -> a.equals("-i") || a.startsWith("--image"));
        return image
                ? filed(rest, "image", CHECK_HELP, this::checkImage)
                : configured(rest, CHECK_HELP, this::check);
    }

    private int train(List<String> rest) {
        TrainCommand command = new TrainCommand(out, err, served, TRAINING);
        return parsed(rest, new Options(), TRAIN_HELP, _ -> command.run(opening, orders));
    }

    private int secret() {
        byte[] random = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(random);
        out.println(Base64.getEncoder().encodeToString(random));
        if (out.checkError()) {
            err.println("lunkeeper: the secret could not be written");
            return FAILED;
        }
        return FINE;
    }

    private int checkImage(String file) {
        try {
            ImageReport report = ImageReport.of(Path.of(file));
            report.lines().forEach(out::println);
            return report.servable() ? FINE : FAILED;
        } catch (InvalidPathException _) {
            return usage(file + " is not a path");
        } catch (IOException e) {
            err.println("lunkeeper: " + e.getMessage());
            return FAILED;
        }
    }

    private int check(String file, Configuration configuration) {
        int luns = configuration.targets().stream().mapToInt(t -> t.luns().size()).sum();
        out.println(
                file
                        + ": ok, "
                        + counted(configuration.targets().size(), "target")
                        + ", "
                        + counted(luns, "LUN")
                        + ", "
                        + counted(configuration.portals().size(), "portal"));
        return FINE;
    }

    private static String counted(int count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }

    private int help(List<String> topics) {
        if (topics.size() > 1) {
            return usage("help takes one command");
        }
        String topic = topics.isEmpty() ? "help" : topics.getFirst();
        return switch (topic) {
            case "serve" -> shown(SERVE_HELP);
            case "check" -> shown(CHECK_HELP);
            case "secret" -> shown(SECRET_HELP);
            case "train" -> shown(TRAIN_HELP);
            case "help", "version" -> shown(HELP);
            default -> usage("there is no command " + topic);
        };
    }

    private int shown(String text) {
        out.print(text);
        return FINE;
    }

    private int version(List<String> rest) {
        if (!rest.isEmpty()) {
            return usage("version takes no arguments");
        }
        out.println("lunkeeper " + Version.text() + ", Java " + Runtime.version());
        return FINE;
    }

    private int usage(String fault) {
        err.println("lunkeeper: " + fault + SEE_HELP);
        return USAGE;
    }

    /// What a command does with a configuration that is right.
    private interface Action {
        int on(String file, Configuration configuration);
    }

    private int configured(List<String> rest, String help, Action action) {
        return filed(rest, "config", help, file -> configured(file, action));
    }

    private int configured(String file, Action action) {
        try {
            return action.on(file, ConfigurationFile.read(Path.of(file), served));
        } catch (InvalidPathException _) {
            return usage(file + " is not a path");
        } catch (ConfigurationException e) {
            report(err, e);
            return USAGE;
        }
    }

    /// Prints everything that is wrong with a file, a line for each.
    static void report(PrintStream err, ConfigurationException wrong) {
        String.valueOf(wrong.getMessage())
                .lines()
                .forEach(line -> err.println("lunkeeper: " + line));
    }

    /// Runs a command that takes one file and nothing else.
    ///
    /// @param option the long name of the option that names the file; its first letter is the short
    private int filed(
            List<String> rest, String option, String help, ToIntFunction<String> command) {
        Option named = Option.builder(option.substring(0, 1)).longOpt(option).hasArg().get();
        return parsed(
                rest,
                new Options().addOption(named),
                help,
                given -> {
                    String[] files = given.getOptionValues(option);
                    return files == null || files.length != 1
                            ? usage("needs exactly one --" + option + " FILE")
                            : command.applyAsInt(files[0]);
                });
    }

    /// Runs a command that takes options and nothing else.
    private int parsed(
            List<String> rest,
            Options options,
            String help,
            ToIntFunction<org.apache.commons.cli.CommandLine> command) {
        options.addOption(Option.builder("h").longOpt("help").get());
        org.apache.commons.cli.CommandLine given;
        try {
            given =
                    DefaultParser.builder()
                            .setAllowPartialMatching(false)
                            .get()
                            .parse(options, rest.toArray(String[]::new));
        } catch (MissingArgumentException e) {
            return usage("--" + e.getOption().getLongOpt() + " needs a FILE");
        } catch (ParseException e) {
            return usage(String.valueOf(e.getMessage()));
        }
        if (given.hasOption("help")) {
            return shown(help);
        }
        if (!given.getArgList().isEmpty()) {
            return usage("unexpected argument " + given.getArgList().getFirst());
        }
        return command.applyAsInt(given);
    }
}

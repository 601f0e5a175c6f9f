package io.lunkeeper.tests.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;

/// The command line of [LoadRun].
public final class LeanClient {
    /// TEST UNIT READY, before what is measured: until its classes are compiled it is the client
    /// that is measured.
    private static final int WARM_UP_COMMANDS = 200_000;

    private static final Options OPTIONS =
            new Options()
                    .addOption(number("depth", "commands in flight on each session (1)"))
                    .addOption(number("sessions", "how many (1)"))
                    .addOption(number("seconds", "how long to go on"))
                    .addOption(number("commands", "how many commands, on all sessions"))
                    .addOption(number("rate", "MiB per second at most, with one session"))
                    .addOption(Option.builder().longOpt("digests").desc("CRC32C for both").get());

    private LeanClient() {}

    private static Option number(String name, String description) {
        return Option.builder().longOpt(name).hasArg().argName("N").desc(description).get();
    }

    /// `[OPTIONS] PORT IQN LUN WORKLOAD`: prints [LoadResult#line], and reads some of what it wrote
    /// again.
    public static void main(String[] arguments) throws IOException {
        try {
            CommandLine line = new DefaultParser().parse(OPTIONS, arguments);
            List<String> rest = line.getArgList();
            if (rest.size() != 4) {
                throw new ParseException("PORT IQN LUN WORKLOAD are needed");
            }
            LoadSpec spec = spec(line, Workload.of(rest.get(3)));
            LoadRun run =
                    new LoadRun(
                            Integer.parseInt(rest.get(0)),
                            rest.get(1),
                            Integer.parseInt(rest.get(2)),
                            spec);
            System.out.println(run.run(WARM_UP_COMMANDS).line());
            run.verify();
        } catch (ParseException | IllegalArgumentException wrong) {
            System.err.println("LeanClient: " + wrong.getMessage());
            System.err.println("[OPTIONS] PORT IQN LUN WORKLOAD, which is one of");
            System.err.println(
                    Arrays.toString(Workload.values()).toLowerCase(Locale.ROOT).replace('_', '-'));
            for (Option option : OPTIONS.getOptions()) {
                System.err.println("--" + option.getLongOpt() + " " + option.getDescription());
            }
            System.exit(2);
        }
    }

    private static LoadSpec spec(CommandLine line, Workload workload) {
        return LoadSpec.of(
                        workload,
                        Integer.parseInt(line.getOptionValue("depth", "1")),
                        Integer.parseInt(line.getOptionValue("sessions", "1")))
                .digests(line.hasOption("digests"))
                .commands(
                        Long.parseLong(
                                line.getOptionValue("commands", String.valueOf(Long.MAX_VALUE))))
                .seconds(Double.parseDouble(line.getOptionValue("seconds", "1e9")))
                .rate(Double.parseDouble(line.getOptionValue("rate", "Infinity")));
    }
}

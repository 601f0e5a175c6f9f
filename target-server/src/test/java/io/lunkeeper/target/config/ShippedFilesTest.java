package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.config.ConfigurationFactory;
import org.apache.logging.log4j.core.config.ConfigurationSource;
import org.junit.jupiter.api.Test;

/// Every file in `conf` is one that its reader takes.
final class ShippedFilesTest {
    private static final Path CONF = Path.of("..", "conf");

    private static List<Path> files(String glob) throws IOException {
        try (var files = Files.newDirectoryStream(CONF, glob)) {
            List<Path> found = new java.util.ArrayList<>();
            files.forEach(found::add);
            assertFalse(found.isEmpty(), glob);
            return found;
        }
    }

    @Test
    void configurationsAreServedByAServerWithoutExtras() throws Exception {
        for (Path file : files("*.yaml")) {
            ConfigurationFile.read(file, EnumSet.noneOf(Feature.class));
        }
    }

    @Test
    void fullExampleHasEveryKeyOfTheSchema() throws Exception {
        Pattern key = Pattern.compile("(?m)^[ #-]*([a-z-]+):(?= |$)");
        TreeSet<String> shown = new TreeSet<>();
        key.matcher(Files.readString(CONF.resolve("lunkeeper.yaml")))
                .results()
                .map(r -> r.group(1))
                .forEach(shown::add);
        for (String known :
                List.of(
                        "portals",
                        "listen",
                        "group",
                        "control",
                        "metrics",
                        "isns",
                        "servers",
                        "entity",
                        "limits",
                        "keepalive",
                        "connections",
                        "connections-per-source",
                        "logins",
                        "logins-per-source",
                        "discovery-auth",
                        "targets",
                        "iqn",
                        "initiators",
                        "networks",
                        "auth",
                        "access",
                        "access-state",
                        "moved",
                        "to",
                        "permanent",
                        "user",
                        "secret-file",
                        "mutual",
                        "luns",
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
                        "dirty-bytes")) {
            assertTrue(shown.contains(known), known);
        }
    }

    @Test
    void logConfigurationIsReadAndLeavesTheEndToUs() throws Exception {
        Path file = CONF.resolve("log4j2.xml");
        try (LoggerContext context = new LoggerContext("shipped");
                var in = Files.newInputStream(file)) {
            Configuration read =
                    ConfigurationFactory.getInstance()
                            .getConfiguration(context, new ConfigurationSource(in, file));
            read.initialize();
            assertFalse(read.isShutdownHookEnabled());
            assertEquals("INFO", read.getLoggerConfig("io.lunkeeper.target").getLevel().toString());
            assertTrue(read.getAppenders().containsKey("stderr"));
        }
    }

    @Test
    void unitHasOnlySectionsAndAssignments() throws Exception {
        Pattern line = Pattern.compile("#.*|\\[[A-Z][a-z]+\\]|[A-Z][A-Za-z0-9]+=.*|");
        for (Path file : files("*.service")) {
            String unit = Files.readString(file);
            assertEquals(List.of(), unit.lines().filter(l -> !line.matcher(l).matches()).toList());
            List<String> start =
                    Pattern.compile("(?m)^ExecStart=.*/bin/lunkeeper (.*)$")
                            .matcher(unit)
                            .results()
                            .map(MatchResult::group)
                            .toList();
            assertEquals(1, start.size());
            assertTrue(start.getFirst().contains(" serve --config /"), start.getFirst());
        }
    }
}

package io.lunkeeper.target.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/// The way from a file to a [Configuration]. Reads the file, the secrets that it names and the
/// attributes of the images; creates and changes nothing.
///
/// The bounds below hold against a file that is hostile or simply the wrong one: they are checked
/// on the stream of YAML events, before anything is built of it.
public final class ConfigurationFile {
    /// Thousands of LUNs fit. A disk image that is named by mistake does not get read.
    static final int MAX_BYTES = 1 << 20;

    /// The deepest key, `targets[].access[].auth[].mutual.user`, is eight levels down.
    static final int MAX_NESTING = 16;

    /// Aliases of aliases multiply: this bounds what a small file can unfold to.
    static final int MAX_ALIASES = 64;

    private ConfigurationFile() {}

    /// Reads and checks a configuration.
    ///
    /// @param file the file; its problems are reported under the name given here
    /// @param served what the server can do; a key of any other feature is an error
    /// @throws ConfigurationException with every problem found
    public static Configuration read(Path file, Set<Feature> served) throws ConfigurationException {
        Problems problems = new Problems();
        Optional<Configuration> configuration =
                text(file, problems)
                        .flatMap(text -> root(text, problems))
                        .flatMap(root ->
                                new ConfigurationReader(file.toAbsolutePath().normalize(), served)
                                        .read(root));
        if (!problems.none()) {
            throw new ConfigurationException(file.toString(), problems.sorted());
        }
        return configuration.orElseThrow();
    }

    private static Optional<String> text(Path file, Problems problems) {
        if (Files.isDirectory(file)) {
            problems.add(0, "", "is a directory, not a configuration file");
            return Optional.empty();
        }
        if (!Files.exists(file)) {
            problems.add(0, "", "there is no such file");
            return Optional.empty();
        }
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            problems.add(0, "", "cannot be read: " + e);
            return Optional.empty();
        }
        if (bytes.length > MAX_BYTES) {
            problems.add(0, "", "is larger than " + MAX_BYTES + " bytes; is it the right file?");
            return Optional.empty();
        }
        ByteBuffer unread = ByteBuffer.wrap(bytes);
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(unread).toString();
            return printable(text, problems) ? Optional.of(text) : Optional.empty();
        } catch (CharacterCodingException _) {
            String before = new String(bytes, 0, unread.position(), StandardCharsets.ISO_8859_1);
            problems.add(lineAfter(before), "", "is not UTF-8 text");
            return Optional.empty();
        }
    }

    /// YAML excludes most control characters; the parser would not say on which line one is.
    private static boolean printable(String text, Problems problems) {
        int i = 0;
        while (i < text.length()) {
            int c = text.codePointAt(i);
            if (!StreamReader.isPrintable(c)) {
                String name = String.format(Locale.ROOT, "U+%04X", c);
                problems.add(
                        lineAfter(text.substring(0, i)),
                        "",
                        "has the unprintable character " + name + "; remove it");
                return false;
            }
            i += Character.charCount(c);
        }
        return true;
    }

    private static int lineAfter(String text) {
        return 1 + (int) text.chars().filter(c -> c == '\n').count();
    }

    private static Optional<Entry> root(String text, Problems problems) {
        LoadSettings settings =
                LoadSettings.builder()
                        .setCodePointLimit(MAX_BYTES)
                        .setAllowNonScalarKeys(true) // refused later, with their line
                        .setMaxAliasesForCollections(MAX_ALIASES)
                        .build();
        try {
            if (!bounded(text, settings, problems)) {
                return Optional.empty();
            }
            Optional<Node> node = new Compose(settings).composeString(text);
            if (node.isEmpty()) {
                problems.add(1, "", "is empty; it needs portals and targets");
            }
            return node.map(n -> new Entry("", Entry.lineOf(n), n, problems));
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().or(e::getContextMark).map(Mark::getLine).orElse(0) + 1;
            problems.add(line, "", "is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            problems.add(1, "", "is not YAML: " + message);
        }
        return Optional.empty();
    }

    private static boolean bounded(String text, LoadSettings settings, Problems problems) {
        int depth = 0;
        int aliases = 0;
        for (Event event : new Parse(settings).parseString(text)) {
            depth += event instanceof CollectionStartEvent ? 1 : 0;
            depth -= event instanceof CollectionEndEvent ? 1 : 0;
            aliases += event instanceof AliasEvent ? 1 : 0;
            int line = event.getStartMark().map(Mark::getLine).orElse(0) + 1;
            if (depth > MAX_NESTING) {
                problems.add(line, "", "nests deeper than " + MAX_NESTING + " levels");
                return false;
            }
            if (aliases > MAX_ALIASES) {
                problems.add(line, "", "has more than " + MAX_ALIASES + " aliases");
                return false;
            }
        }
        return true;
    }
}

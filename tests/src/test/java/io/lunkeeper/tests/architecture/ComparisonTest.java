package io.lunkeeper.tests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Checkout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// README's comparison with other targets: it lists every command that we have and no other, and
/// each of its rows names a class of tests that is there.
///
/// A cell of commands is `NAME; NAME(6, 10); NAME: SERVICE ACTION, SERVICE ACTION`.
class ComparisonTest {
    private static final String COMMANDS = "| commands | Lunkeeper |";
    private static final String FEATURES = "| pages and features | Lunkeeper |";
    private static final Path GOLDEN =
            Path.of(
                    "target-server/src/test/resources/io/lunkeeper/target/scsi/operation-codes.txt");

    private static final Pattern CELL = Pattern.compile("`(\\w+)`");
    private static final Pattern FORMS = Pattern.compile("([^(:]+)(?:\\(([^)]*)\\)|: (.*))?");

    /// The last word of a line is the name of a row of OperationCode.
    private static final Pattern LAST_WORD = Pattern.compile("(\\S+)$");

    /// The cells of each row of the table that begins with `head`.
    private static List<List<String>> table(String head) throws IOException {
        List<String> lines = Files.readAllLines(Checkout.root().resolve("README.md"));
        int start = 0;
        while (start < lines.size() && !lines.get(start).startsWith(head)) {
            start++;
        }
        List<List<String>> rows = new ArrayList<>();
        for (String line : lines.subList(Math.min(start + 2, lines.size()), lines.size())) {
            if (!line.startsWith("|")) {
                break;
            }
            rows.add(Stream.of(line.split("\\|", -1)).map(String::strip).toList());
        }
        assertTrue(rows.size() > 10, () -> "no table in README.md begins with " + head);
        return rows;
    }

    @Test
    void listsEveryCommandThatWeHaveAndNoOther() throws IOException {
        Set<String> ours =
                Files.readAllLines(Checkout.root().resolve(GOLDEN)).stream()
                        .flatMap(line -> LAST_WORD.matcher(line).results())
                        .map(match -> plain(match.group(1)))
                        .collect(Collectors.toCollection(TreeSet::new));
        Set<String> told = new TreeSet<>();
        for (List<String> row : table(COMMANDS)) {
            commands(row.get(1)).map(ComparisonTest::plain).forEach(told::add);
        }
        assertTrue(ours.size() > 50, ours::toString);
        assertEquals(ours, told);
    }

    @Test
    void namesTestsThatAreThere() throws IOException {
        Set<String> classes = testClasses();
        for (String head : List.of(COMMANDS, FEATURES)) {
            for (List<String> row : table(head)) {
                List<String> named =
                        CELL.matcher(row.get(2)).results().map(match -> match.group(1)).toList();
                assertTrue(!named.isEmpty(), () -> "no class of tests: " + row);
                assertTrue(classes.containsAll(named), () -> "no such class of tests: " + row);
            }
        }
    }

    private static Set<String> testClasses() throws IOException {
        Set<String> classes = new TreeSet<>();
        for (String module : List.of("lun-backend", "target-server", "tests")) {
            Path sources = Checkout.root().resolve(module).resolve("src/test/java");
            try (Stream<Path> files = Files.walk(sources)) {
                files.map(file -> String.valueOf(file.getFileName()))
                        .filter(name -> name.endsWith("Test.java"))
                        .map(name -> name.replace(".java", ""))
                        .forEach(classes::add);
            }
        }
        return classes;
    }

    /// The commands that a cell names, one for each form and service action.
    private static Stream<String> commands(String cell) {
        return Stream.of(cell.split("; *", -1))
                .flatMap(item -> FORMS.matcher(item).results().flatMap(ComparisonTest::forms));
    }

    private static Stream<String> forms(MatchResult item) {
        String all = item.group(2) != null ? item.group(2) : item.group(3);
        return all == null
                ? Stream.of(item.group(1))
                : Stream.of(all.split(", *", -1)).map(form -> item.group(1) + form);
    }

    /// A name without what the standards and Java spell differently.
    private static String plain(String name) {
        return name.replaceAll("[^A-Z0-9]", "");
    }
}

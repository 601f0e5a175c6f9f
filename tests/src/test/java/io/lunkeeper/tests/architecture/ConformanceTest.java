package io.lunkeeper.tests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.rig.Checkout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// tests/CONFORMANCE.md: each row names a class that is there and tests that are, or says why there
/// are none; clauses are in order, and no row is there twice.
class ConformanceTest {
    private static final List<String> MODULES = List.of("lun-backend", "target-server", "tests");

    private static final Pattern NAME = Pattern.compile("`([^`]*)`");

    /// A clause begins with its number, or with the letter of an appendix.
    private static final Pattern CLAUSE = Pattern.compile("([0-9]+(?:\\.[0-9]+)*|[A-Z]) .+");

    private static final Pattern TEST =
            Pattern.compile("@(Test|ParameterizedTest|RepeatedTest|TestFactory)\\b.*");

    private static List<Row> rows = List.of();

    /// @param chapter the heading over its table
    private record Row(
            String chapter,
            String clause,
            String demand,
            List<String> classes,
            List<String> tests,
            String notDone) {

        static Row of(String chapter, String line) {
            List<String> cells = Stream.of(line.split("\\|", -1)).map(String::strip).toList();
            assertEquals(7, cells.size(), line);
            return new Row(
                    chapter,
                    cells.get(1),
                    cells.get(2),
                    names(cells.get(3)),
                    names(cells.get(4)),
                    cells.get(5));
        }

        private static List<String> names(String cell) {
            List<String> names = NAME.matcher(cell).results().map(match -> match.group(1)).toList();
            String written =
                    String.join(", ", names.stream().map(each -> "`" + each + "`").toList());
            assertEquals(written, cell, "names in backquotes and nothing else");
            return names;
        }

        boolean isOfRfc7143() {
            return !chapter.equals("RFC 7144");
        }
    }

    @BeforeAll
    static void read() throws IOException {
        List<Row> found = new ArrayList<>();
        String chapter = "";
        for (String line : Files.readAllLines(Checkout.root().resolve("tests/CONFORMANCE.md"))) {
            if (line.startsWith("#")) {
                chapter = line.replaceFirst("#+ ", "");
            } else if (line.startsWith("|")
                    && !line.startsWith("|---")
                    && !line.endsWith("| not done, because |")) {
                found.add(Row.of(chapter, line));
            }
        }
        assertTrue(found.size() > 150, () -> "only " + found.size() + " rows");
        rows = found;
    }

    /// The files of one kind that have this name, in every module.
    private static List<Path> sources(String kind, String className) throws IOException {
        List<Path> found = new ArrayList<>();
        for (String module : MODULES) {
            Path root =
                    Checkout.root().resolve(module).resolve("src").resolve(kind).resolve("java");
            if (Files.isDirectory(root)) {
                try (Stream<Path> files = Files.walk(root)) {
                    files.filter(file -> file.endsWith(className + ".java")).forEach(found::add);
                }
            }
        }
        return found;
    }

    @Test
    void namesClassesThatAreThere() throws IOException {
        for (Row row : rows) {
            assertTrue(
                    !row.classes().isEmpty() || !row.notDone().isEmpty(), () -> "no class: " + row);
            for (String each : row.classes()) {
                assertTrue(!sources("main", each).isEmpty(), () -> "no class " + each + ": " + row);
            }
        }
    }

    @Test
    void namesTestsThatAreThere() throws IOException {
        for (Row row : rows) {
            assertTrue(!row.tests().isEmpty() || !row.notDone().isEmpty(), () -> "no test: " + row);
            for (String each : row.tests()) {
                assertTrue(isTest(each), () -> "no test " + each + ": " + row);
            }
        }
    }

    /// Whether there is a class of tests of that name, or a method of it that is a test.
    private static boolean isTest(String name) throws IOException {
        String[] parts = name.split("\\.", 2);
        if (!parts[0].endsWith("Test")) {
            return false;
        }
        for (Path source : sources("test", parts[0])) {
            List<String> lines = Files.readAllLines(source).stream().map(String::strip).toList();
            boolean there =
                    parts.length == 1
                            ? lines.stream().anyMatch(line -> TEST.matcher(line).matches())
                            : isTest(lines, parts[1]);
            if (there) {
                return true;
            }
        }
        return false;
    }

    /// A method's annotations are the lines above it, up to an empty one.
    private static boolean isTest(List<String> lines, String method) {
        for (int at = 0; at < lines.size(); at++) {
            if (lines.get(at).startsWith("void " + method + "(")) {
                for (int above = at; above >= 0 && !lines.get(above).isEmpty(); above--) {
                    if (TEST.matcher(lines.get(above)).matches()) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    @Test
    void clausesAreInOrder() {
        List<Integer> before = List.of();
        for (Row row : rows) {
            if (row.isOfRfc7143()) {
                List<Integer> number = number(row);
                assertTrue(Arrays.compare(ints(before), ints(number)) <= 0, row::clause);
                before = number;
            }
        }
    }

    private static int[] ints(List<Integer> numbers) {
        return numbers.stream().mapToInt(Integer::intValue).toArray();
    }

    /// An appendix comes after every number.
    private static List<Integer> number(Row row) {
        MatchResult clause =
                CLAUSE.matcher(row.clause())
                        .results()
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no clause: " + row));
        String number = clause.group(1);
        return Character.isDigit(number.charAt(0))
                ? Stream.of(number.split("\\.", -1)).map(Integer::valueOf).toList()
                : List.of(1000 + number.charAt(0));
    }

    @Test
    void noRowIsThereTwice() {
        Set<String> seen = new HashSet<>();
        for (Row row : rows) {
            String own = row.isOfRfc7143() + row.clause() + row.demand();
            assertTrue(!row.demand().isEmpty() && seen.add(own), row::toString);
        }
    }

    @Test
    void oneClauseHasOneTitle() {
        Set<String> titles = new HashSet<>();
        Set<List<Integer>> numbers = new HashSet<>();
        for (Row row : rows) {
            if (row.isOfRfc7143()) {
                assertEquals(numbers.add(number(row)), titles.add(row.clause()), row::clause);
            }
        }
    }
}

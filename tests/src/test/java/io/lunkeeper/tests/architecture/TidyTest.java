package io.lunkeeper.tests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import io.lunkeeper.tests.rig.Checkout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// How our sources look, tests included: short methods and files, names that say what a thing is, a
/// sign on every package, nothing left undone.
class TidyTest {
    private static final int MAX_METHOD_LINES = 60;
    private static final int MAX_FILE_LINES = 600;

    private static final Pattern EMPTY_NAME =
            Pattern.compile("Abstract.*|.*(Util|Utils|Helper|Manager|Impl|Base)");

    /// Spelled in two parts, so that this file does not find itself.
    private static final Pattern UNDONE = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|X" + "XX)\\b");

    /// Absolute paths of a developer's machine. What every Linux has is no such place.
    private static final Pattern OTHER_PLACE =
            Pattern.compile("(?<![\\w.~*-])/(home|root|Users|work|workspace)/\\w");

    private static final Set<String> TEXT_ENDINGS =
            Set.of(".java", ".xml", ".yaml", ".json", ".md", ".txt", ".sh", ".service", ".config");

    @Test
    void methodsFitOnOneScreen() throws IOException {
        List<String> found = new ArrayList<>();
        parse((file, unit, positions) ->
                new TreeScanner<@Nullable Void, @Nullable Void>() {
                    @Override
                    public @Nullable Void visitMethod(MethodTree method, @Nullable Void nothing) {
                        long start = positions.getStartPosition(unit, method);
                        long end = positions.getEndPosition(unit, method);
                        long lines =
                                unit.getLineMap().getLineNumber(end)
                                        - unit.getLineMap().getLineNumber(start)
                                        + 1;
                        if (start >= 0 && lines > MAX_METHOD_LINES) {
                            found.add(file + ": " + method.getName() + ": " + lines);
                        }
                        return super.visitMethod(method, null);
                    }
                }.scan(unit, null));
        assertEquals(List.of(), found, "methods over " + MAX_METHOD_LINES + " lines");
    }

    @Test
    void typeNamesSayWhatATypeIs() throws IOException {
        List<String> found = new ArrayList<>();
        parse((file, unit, _) ->
                new TreeScanner<@Nullable Void, @Nullable Void>() {
                    @Override
                    public @Nullable Void visitClass(ClassTree type, @Nullable Void nothing) {
                        if (EMPTY_NAME.matcher(type.getSimpleName()).matches()) {
                            found.add(file + ": " + type.getSimpleName());
                        }
                        return super.visitClass(type, null);
                    }
                }.scan(unit, null));
        assertEquals(List.of(), found, "type names that say nothing");
    }

    @Test
    void everyPackageHasItsSign() throws IOException {
        Set<String> found = new TreeSet<>();
        for (Path file : javaFiles()) {
            if (isUnitTest(file)) {
                continue;
            }
            Path sign = file.resolveSibling("package-info.java");
            String text = Files.exists(sign) ? Files.readString(sign) : "";
            if (!text.startsWith("///") || !text.contains("@NullMarked")) {
                found.add(name(sign));
            }
        }
        assertEquals(Set.of(), found, "missing, or without a doc comment or @NullMarked");
    }

    /// Unit tests share the package, and so the sign, of what they test.
    private static boolean isUnitTest(Path file) {
        String name = name(file);
        return name.contains("/src/test/") && !name.startsWith("tests/");
    }

    @Test
    void filesAreShort() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : javaFiles()) {
            int lines = Files.readAllLines(file).size();
            if (lines > MAX_FILE_LINES) {
                found.add(name(file) + ": " + lines);
            }
        }
        assertEquals(List.of(), found, "files over " + MAX_FILE_LINES + " lines");
    }

    @Test
    void nothingIsLeftUndone() throws IOException {
        assertEquals(List.of(), linesWith(UNDONE));
    }

    @Test
    void noFileNamesOtherPlaces() throws IOException {
        assertEquals(List.of(), linesWith(OTHER_PLACE));
    }

    private static List<String> linesWith(Pattern pattern) throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : textFiles()) {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                if (pattern.matcher(line).find()) {
                    found.add(name(file) + ":" + number + ": " + line.strip());
                }
            }
        }
        return found;
    }

    /// What to do with each parsed file.
    private interface Rule {
        void check(String file, CompilationUnitTree unit, SourcePositions positions);
    }

    private static void parse(Rule rule) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task =
                    (JavacTask)
                            compiler.getTask(
                                    null,
                                    files,
                                    null,
                                    List.of("-proc:none"),
                                    null,
                                    files.getJavaFileObjectsFromPaths(javaFiles()));
            SourcePositions positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                Path file = Path.of(unit.getSourceFile().toUri());
                rule.check(name(file), unit, positions);
            }
        }
    }

    private static List<Path> javaFiles() throws IOException {
        List<Path> files =
                textFiles().stream().filter(file -> file.toString().endsWith(".java")).toList();
        assertTrue(files.size() > 20, () -> "only " + files.size() + " sources found");
        return files;
    }

    /// Every text file of the checkout that is ours: not what a build, Git or an editor made.
    private static List<Path> textFiles() throws IOException {
        Path root = Checkout.root();
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> !isGenerated(root.relativize(file)))
                    .filter(TidyTest::isText)
                    .toList();
        }
    }

    /// Build output lies beside a module's sources; a package may be named like it.
    private static boolean isGenerated(Path relative) {
        for (Path part : relative.subpath(0, Math.min(2, relative.getNameCount()))) {
            if (Set.of("target", ".git", ".idea").contains(part.toString())) {
                return true;
            }
        }
        return false;
    }

    /// A known ending, or none at all as our scripts have.
    private static boolean isText(Path file) {
        String name = String.valueOf(file.getFileName());
        int dot = name.lastIndexOf('.');
        return dot < 0 || TEXT_ENDINGS.contains(name.substring(dot));
    }

    private static String name(Path file) {
        return Checkout.root().relativize(file.toAbsolutePath()).toString();
    }
}

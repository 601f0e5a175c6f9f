package io.lunkeeper.tests.architecture;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.lunkeeper.tests.rig.Checkout;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/// Which room may use which. A new package needs a row here in the commit that brings it.
class ArchitectureTest {
    private static final String TARGET = "io.lunkeeper.target";
    private static final String LUN = "io.lunkeeper.lun";

    /// A room may use itself, the rooms of its row and every leaf. What it gets back from a lower
    /// room comes as a value or through an interface that the lower room declares.
    private static final Map<String, Set<String>> ARROWS =
            Map.ofEntries(
                    Map.entry(TARGET + ".net", rooms(TARGET, "session", "pdu")),
                    Map.entry(TARGET + ".session", rooms(TARGET, "login", "pdu", "scsi")),
                    Map.entry(TARGET + ".login", rooms(TARGET, "pdu")),
                    Map.entry(TARGET + ".pdu", Set.of()),
                    Map.entry(TARGET + ".scsi", Set.of(LUN)),
                    Map.entry(TARGET + ".config", Set.of(LUN)),
                    Map.entry(
                            TARGET + ".admin",
                            plus(rooms(TARGET, "session", "scsi", "config", "net"), LUN)),
                    Map.entry(TARGET + ".metrics", Set.of()),
                    Map.entry(TARGET + ".training", Set.of()),
                    Map.entry(TARGET + ".isns", Set.of()),
                    Map.entry(LUN, rooms(LUN, "extent", "writeback", "image")),
                    Map.entry(LUN + ".writeback", rooms(LUN, "extent", "image")),
                    Map.entry(LUN + ".extent", rooms(LUN, "image")),
                    Map.entry(LUN + ".image", rooms(LUN, "linux")),
                    Map.entry(LUN + ".linux", Set.of()));

    /// Rooms that anybody may use, because they use nobody.
    private static final Set<String> LEAVES = Set.of(TARGET + ".metrics");

    /// The rooms that wire all others of their module, and of which nobody knows.
    private static final Set<String> WIRING = Set.of(TARGET);

    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .importPaths(
                            Checkout.root().resolve("lun-backend/target/classes"),
                            Checkout.root().resolve("target-server/target/classes"));

    private static Set<String> rooms(String root, String... names) {
        Set<String> rooms = new TreeSet<>();
        for (String name : names) {
            rooms.add(root + "." + name);
        }
        return rooms;
    }

    private static Set<String> plus(Set<String> rooms, String another) {
        Set<String> all = new TreeSet<>(rooms);
        all.add(another);
        return all;
    }

    /// An empty import would let every rule below pass.
    @Test
    void seesClassesOfBothModules() {
        for (String module : List.of(TARGET, LUN)) {
            long count =
                    CLASSES.stream()
                            .filter(type -> type.getPackageName().startsWith(module))
                            .count();
            assertTrue(count > 3, () -> count + " classes in " + module);
        }
    }

    @Test
    void everyRoomHasItsRow() {
        Set<String> unknown = new TreeSet<>();
        for (JavaClass type : CLASSES) {
            String room = type.getPackageName();
            if (!ARROWS.containsKey(room) && !WIRING.contains(room)) {
                unknown.add(room);
            }
        }
        assertEquals(Set.of(), unknown, "packages without a row in ARROWS");
    }

    @Test
    void roomsUseOnlyTheRoomsBelowThem() {
        assertNone(
                dependency -> {
                    String from = dependency.getOriginClass().getPackageName();
                    String to = dependency.getTargetClass().getPackageName();
                    return to.startsWith("io.lunkeeper") && !mayUse(from, to);
                },
                "arrows against the design");
    }

    private static boolean mayUse(String from, String to) {
        if (from.equals(to) || LEAVES.contains(to)) {
            return true;
        }
        if (WIRING.contains(from)) {
            return to.startsWith(TARGET) || to.equals(LUN);
        }
        Set<String> arrows = ARROWS.get(from);
        return arrows != null && arrows.contains(to);
    }

    @Test
    void targetServerUsesOnlyTheDoorOfTheBackend() {
        assertNone(
                dependency ->
                        dependency.getOriginClass().getPackageName().startsWith(TARGET)
                                && dependency
                                        .getTargetClass()
                                        .getPackageName()
                                        .startsWith(LUN + "."),
                "uses of inner rooms of the backend");
    }

    @Test
    void backendKnowsNothingOfTheTargetServer() {
        assertNone(
                dependency ->
                        dependency.getOriginClass().getPackageName().startsWith(LUN)
                                && dependency.getTargetClass().getPackageName().startsWith(TARGET),
                "uses of the target server by the backend");
    }

    @Test
    void onlyOneRoomCallsNativeCode() {
        assertNone(
                dependency ->
                        !dependency.getOriginClass().getPackageName().equals(LUN + ".linux")
                                && dependency
                                        .getTargetClass()
                                        .getPackageName()
                                        .startsWith("java.lang.foreign"),
                "uses of java.lang.foreign outside of " + LUN + ".linux");
    }

    @Test
    void roomsHaveNoCycles() {
        slices().matching("io.lunkeeper.(**)").should().beFreeOfCycles().check(CLASSES);
    }

    private static void assertNone(Predicate<Dependency> wrong, String what) {
        Set<String> found = new TreeSet<>();
        for (JavaClass type : CLASSES) {
            for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                if (wrong.test(dependency)) {
                    found.add(dependency.getDescription());
                }
            }
        }
        assertEquals(Set.of(), found, what);
    }
}

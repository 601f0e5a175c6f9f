package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.config.Configuration;
import io.lunkeeper.target.config.ConfigurationFile;
import io.lunkeeper.target.login.ChapAccount;
import io.lunkeeper.target.login.Demand;
import io.lunkeeper.target.login.SessionParameters;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Who is asked for which proof, and is told of which targets: by name, by address, by both.
final class AccessTest {
    private static final String A = "iqn.2026-11.io.x:a";
    private static final String B = "iqn.2026-11.io.x:b";
    private static final String ALICE = "iqn.2026-11.io.h:alice";
    private static final String BOB = "iqn.2026-11.io.h:bob";
    private static final String CAROL = "iqn.2026-11.io.h:carol";
    private static final String INSIDE = "192.0.2.9";
    private static final String OUTSIDE = "198.51.100.9";

    @TempDir Path directory;

    private @Nullable ServedTargets served;

    @AfterEach
    void close() throws Exception {
        if (served != null) {
            served.close();
        }
    }

    private Configuration read(String top, String ofA, String ofB) throws Exception {
        for (String each : List.of("alice", "bob", "carol")) {
            Path secret = Files.writeString(directory.resolve(each), each + " has this secret");
            Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
        }
        String text =
                """
                portals: [{ listen: "127.0.0.1:0" }]
                %s
                targets:
                  - iqn: %s
                    %s
                    luns: [{ lun: 0, image: a.img, size: 1MiB }, { lun: 3, image: d.img, size: 1MiB }]
                  - iqn: %s
                    %s
                    luns: [{ lun: 0, image: b.img, size: 1MiB }]
                """
                        .formatted(top, A, ofA, B, ofB);
        Path file = Files.writeString(directory.resolve("x.yaml"), text);
        return ConfigurationFile.read(file, Set.of());
    }

    private ServedTargets serve(String top, String ofA, String ofB) throws Exception {
        ServedTargets opened = new ServedTargets(read(top, ofA, ofB), () -> false);
        served = opened;
        opened.open();
        return opened;
    }

    /// The directory of a connection.
    private static PortalDirectory from(String remote, ServedTargets targets) {
        return new PortalDirectory(
                targets,
                List.of(),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 3260),
                InetAddress.ofLiteral(remote),
                1);
    }

    private static String auth(String user) {
        return "auth: { user: %s, secret-file: %s }".formatted(user, user);
    }

    private static List<String> users(@Nullable Demand demand) {
        assertTrue(demand != null && demand.required(), String.valueOf(demand));
        return demand.accounts().stream().map(ChapAccount::user).toList();
    }

    private static List<String> found(
            PortalDirectory directory, String initiator, List<ChapAccount> proven) {
        List<String> names = new ArrayList<>();
        directory
                .listings(initiator, proven)
                .forEachRemaining(each -> names.add(each.targetName()));
        return names;
    }

    @Test
    void networksNarrowWhoMayComeAndWhatIsFound() throws Exception {
        ServedTargets targets = serve("", "networks: [192.0.2.0/24, \"2001:db8::/32\"]", "");
        for (String inside : List.of(INSIDE, "2001:db8::1", "::ffff:192.0.2.1")) {
            assertEquals(Demand.NOTHING, from(inside, targets).demand(ALICE, A), inside);
            assertEquals(List.of(A, B), found(from(inside, targets), ALICE, List.of()), inside);
        }
        for (String outside : List.of(OUTSIDE, "2001:db9::1", "::192.0.2.1")) {
            assertNull(from(outside, targets).demand(ALICE, A), outside);
            assertEquals(List.of(B), found(from(outside, targets), ALICE, List.of()), outside);
        }
    }

    @Test
    void nameAndNetworkMustBothFit() throws Exception {
        ServedTargets targets =
                serve("", "initiators: [%s]\n    networks: [192.0.2.0/24]".formatted(ALICE), "");
        assertEquals(Demand.NOTHING, from(INSIDE, targets).demand(ALICE, A));
        assertNull(from(OUTSIDE, targets).demand(ALICE, A));
        assertNull(from(INSIDE, targets).demand(BOB, A));
    }

    @Test
    void everybodyProvesWhatIsAskedOfHim() throws Exception {
        ServedTargets targets =
                serve(
                        "",
                        "access: [{ initiators: [%s], %s }, { initiators: [%s], %s }, %s]"
                                .formatted(
                                        ALICE,
                                        auth("alice"),
                                        BOB,
                                        auth("bob"),
                                        "{ networks: [192.0.2.9], " + auth("carol") + " }"),
                        "");
        PortalDirectory outside = from(OUTSIDE, targets);
        assertEquals(List.of("alice"), users(outside.demand(ALICE, A)));
        assertEquals(List.of("bob"), users(outside.demand(BOB, A)));
        assertEquals(List.of(), users(outside.demand(CAROL, A)));
        assertEquals(outside.demand(CAROL, A), Demand.impossible("the target does not admit it"));
        PortalDirectory inside = from(INSIDE, targets);
        assertEquals(List.of("alice", "carol"), users(inside.demand(ALICE, A)));
        assertEquals(List.of("carol"), users(inside.demand(CAROL, A)));
    }

    @Test
    void discoveryShowsATargetToWhoProvesWhatItAsksOfHim() throws Exception {
        ServedTargets targets =
                serve(
                        "",
                        "access: [{ initiators: [%s], %s }, { initiators: [%s], %s }]"
                                .formatted(ALICE, auth("alice"), BOB, auth("bob")),
                        auth("alice"));
        PortalDirectory directory = from(INSIDE, targets);
        List<ChapAccount> ofAlice = directory.discoveryDemand(ALICE).accounts();
        assertEquals(List.of("alice", "alice"), ofAlice.stream().map(ChapAccount::user).toList());
        assertFalse(directory.discoveryDemand(ALICE).required());
        assertEquals(List.of(), found(directory, ALICE, List.of()));
        assertEquals(List.of(A, B), found(directory, ALICE, ofAlice));
        assertEquals(List.of(B), found(directory, BOB, ofAlice));
        assertEquals(List.of(B), found(directory, CAROL, ofAlice));
    }

    @Test
    void whoProvesHimselfToDiscoveryIsShownWhatFitsHim() throws Exception {
        ServedTargets targets =
                serve(
                        "discovery-auth: { user: d, secret-file: bob }",
                        "access: [{ initiators: [%s], %s }]".formatted(ALICE, auth("alice")),
                        "networks: [192.0.2.0/24]");
        List<ChapAccount> proven = from(INSIDE, targets).discoveryDemand(CAROL).accounts();
        assertEquals(List.of("d"), users(from(INSIDE, targets).discoveryDemand(CAROL)));
        assertEquals(List.of(A, B), found(from(INSIDE, targets), ALICE, proven));
        assertEquals(List.of(B), found(from(INSIDE, targets), CAROL, proven));
        assertEquals(List.of(A), found(from(OUTSIDE, targets), ALICE, proven));
        assertEquals(List.of(), found(from(OUTSIDE, targets), CAROL, proven));
    }

    @Test
    void someMayComeWithoutProofAndOthersWith() throws Exception {
        ServedTargets targets =
                serve(
                        "",
                        "access: [{ networks: [192.0.2.9] }, { %s }]".formatted(auth("alice")),
                        "");
        Demand inside = from(INSIDE, targets).demand(BOB, A);
        assertEquals(
                List.of("alice"),
                inside == null ? null : inside.accounts().stream().map(ChapAccount::user).toList());
        assertFalse(inside == null || inside.required());
        assertEquals(List.of("alice"), users(from(OUTSIDE, targets).demand(BOB, A)));
        assertEquals(
                Demand.impossible("unknown target"),
                from(OUTSIDE, targets).demand(BOB, "iqn.2026-11.io.x:none"));
        assertEquals(List.of(A, B), found(from(INSIDE, targets), BOB, List.of()));
        assertEquals(List.of(B), found(from(OUTSIDE, targets), BOB, List.of()));
    }

    /// Else whoever is asked to prove himself in vain would know that nothing is for him.
    @Test
    void whoHasNothingToProveInDiscoveryCannotTell() throws Exception {
        ServedTargets targets =
                serve("", "access: [{ initiators: [%s], %s }]".formatted(ALICE, auth("alice")), "");
        assertEquals(
                Demand.inVain("no target asks it to"),
                from(INSIDE, targets).discoveryDemand(CAROL));
    }

    private static @Nullable Map<Integer, Integer> luns(
            PortalDirectory directory, String initiator, List<ChapAccount> proven) {
        return directory.luns(
                new SessionParameters(
                        initiator, "", A, proven, false, false, false, 1, true, true, 8192, 8192,
                        262144, 65536, 2, 0, 1, 0, 1, false));
    }

    /// Who fits several sees what the first says whose proof he has given.
    @Test
    void lunsAreThoseOfTheFirstThatIsMet() throws Exception {
        ServedTargets targets =
                serve(
                        "",
                        """
                        access:
                              - { initiators: ["%s"], %s, luns: [0] }
                              - { networks: [192.0.2.9], luns: [{ lun: 3, as: 0 }, { as: 1, lun: 0 }] }
                              - { initiators: ["%s"], %s }\
                        """
                                .formatted(ALICE, auth("alice"), BOB, auth("bob")),
                        "");
        PortalDirectory inside = from(INSIDE, targets);
        PortalDirectory outside = from(OUTSIDE, targets);
        List<ChapAccount> ofAlice = outside.discoveryDemand(ALICE).accounts();
        List<ChapAccount> ofBob = outside.discoveryDemand(BOB).accounts();
        assertEquals(Map.of(0, 0), luns(outside, ALICE, ofAlice));
        assertNull(luns(outside, ALICE, List.of()));
        assertNull(luns(outside, ALICE, ofBob));
        assertEquals(Map.of(0, 0), luns(inside, ALICE, ofAlice));
        assertEquals(Map.of(0, 3, 1, 0), luns(inside, ALICE, List.of()));
        assertEquals(Map.of(), luns(outside, BOB, ofBob), "all");
        assertEquals(Map.of(0, 3, 1, 0), luns(inside, BOB, ofBob));
        assertNull(luns(outside, CAROL, ofBob));
    }

    @Test
    void changesCountForWhoComesNext() throws Exception {
        ServedTargets targets = serve("", "initiators: [%s]".formatted(ALICE), "");
        PortalDirectory inside = from(INSIDE, targets);
        assertEquals(Demand.NOTHING, inside.demand(ALICE, A));
        assertNull(inside.demand(BOB, A));
        assertFalse(inside.discoveryDemand(ALICE).required());
        targets.change(
                read(
                        "discovery-auth: { user: d, secret-file: carol }",
                        "access: [{ initiators: [%s], %s }]".formatted(BOB, auth("bob")),
                        ""),
                problem -> {
                    throw new AssertionError(problem);
                });
        assertEquals(List.of(), users(inside.demand(ALICE, A)));
        assertEquals(List.of("bob"), users(inside.demand(BOB, A)));
        assertEquals(List.of("d"), users(inside.discoveryDemand(ALICE)));
    }
}

package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Bad files and exactly what is said about them.
final class ConfigurationErrorsTest {
    @TempDir Path directory;

    /// @param yaml the file; `@` stands for a right list of LUNs
    /// @param problems what is expected, without the file's name
    record Case(String name, String yaml, List<String> problems) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static final String LUNS = "luns: [{lun: 0, image: a.img, size: 1MiB}]";

    private static Case bad(String name, String yaml, String... problems) {
        return new Case(name, yaml, List.of(problems));
    }

    private static Case badTarget(String name, String target, String... problems) {
        return bad(
                name, "portals:\n  - listen: \"127.0.0.1:0\"\ntargets:\n  - " + target, problems);
    }

    /// The keys of one LUN after `lun: 0`, which is line 6.
    private static Case badLun(String name, String keys, String... problems) {
        String indented = keys.replace("\n", "\n        ");
        return badTarget(
                name,
                "iqn: iqn.2026-11.io.x:a\n    luns:\n      - lun: 0\n        " + indented,
                problems);
    }

    private static Case badPortals(String name, String portals, String... problems) {
        return bad(name, portals + "\ntargets: [{iqn: \"iqn.2026-11.io.x:a\", @}]", problems);
    }

    private static String lines(String... lines) {
        return String.join("\n", lines);
    }

    static Stream<Case> structure() {
        return Stream.of(
                bad("empty file", "", "1: is empty; it needs portals and targets"),
                bad(
                        "text",
                        "hello",
                        "1: must be a mapping with the keys portals, control, metrics, targets,"
                                + " not the text \"hello\""),
                bad(
                        "nothing required is there",
                        "{}",
                        "1: portals: is missing; add portals: [{listen: \"127.0.0.1:3260\"}]",
                        "1: targets: is missing; add targets: a list of targets"),
                bad(
                        "syntax",
                        "portals:\n  - listen: \"127.0.0.1:0\n",
                        "3: is not YAML: found unexpected end of stream"),
                bad(
                        "tab",
                        "portals:\n\t- listen: x\n",
                        "2: is not YAML: found character '\\t(TAB)' that cannot start any token."
                                + " (Do not use \\t(TAB) for indentation)"),
                bad(
                        "two documents",
                        "a: 1\n---\nb: 2\n",
                        "2: is not YAML: but found another document"),
                bad(
                        "deep nesting",
                        "[".repeat(40) + "]".repeat(40),
                        "1: nests deeper than 16 levels"),
                bad(
                        "many aliases",
                        "a: &a [1]\nb:\n" + "  - *a\n".repeat(65),
                        "67: has more than 64 aliases"),
                bad("unknown alias", "a: *b\n", "1: is not YAML: found undefined alias b"),
                badPortals("empty portals", "portals: []", "1: portals: must not be an empty list"),
                badPortals(
                        "portals as a mapping",
                        "portals: {listen: a}",
                        "1: portals: must be a list, not a mapping"),
                badPortals(
                        "portals as nothing",
                        "portals:",
                        "1: portals: must be a list, not nothing"),
                badPortals(
                        "near miss",
                        "portal:\n  - listen: \"127.0.0.1:0\"",
                        "1: unknown key \"portal\"; did you mean portals?",
                        "1: portals: is missing; add portals: [{listen: \"127.0.0.1:3260\"}]"),
                badPortals(
                        "unknown key",
                        "portals:\n  - listen: \"127.0.0.1:0\"\n    colour: red",
                        "3: portals[0]: unknown key \"colour\"; known here: listen, group"),
                badPortals(
                        "key given twice",
                        "portals:\n  - listen: \"127.0.0.1:0\"\n    listen: \"127.0.0.1:0\"",
                        "3: portals[0].listen: given twice, first on line 2; keep one"),
                badPortals(
                        "key that is a list",
                        "portals:\n  - listen: \"127.0.0.1:0\"\n    [a]: 1",
                        "3: portals[0]: a key must be one word; known here: listen, group"),
                badPortals(
                        "merge key",
                        "portals:\n  - <<: {listen: \"127.0.0.1:0\"}",
                        "2: portals[0]: unknown key \"<<\"; known here: listen, group",
                        "2: portals[0].listen: is missing; add listen: \"127.0.0.1:3260\""));
    }

    static Stream<Case> addresses() {
        return Stream.of(
                badPortals(
                        "no port",
                        "portals: [{listen: \"127.0.0.1\"}]",
                        "1: portals[0].listen: \"127.0.0.1\" is not an address; write"
                                + " \"127.0.0.1:3260\", or with IPv6 \"[::1]:3260\""),
                badPortals(
                        "IPv6 without brackets",
                        "portals: [{listen: \"::1:3260\"}]",
                        "1: portals[0].listen: \"::1:3260\" is not an address; write"
                                + " \"127.0.0.1:3260\", or with IPv6 \"[::1]:3260\""),
                badPortals(
                        "port as a number",
                        "portals: [{listen: 3260}]",
                        "1: portals[0].listen: must be text, not the number 3260; put it in"
                                + " quotes"),
                badPortals(
                        "high port",
                        "portals: [{listen: \"127.0.0.1:65536\"}]",
                        "1: portals[0].listen: the port 65536 is beyond 65535"),
                badPortals(
                        "octet",
                        "portals: [{listen: \"127.0.0.256:1\"}]",
                        "1: portals[0].listen: \"127.0.0.256\" is not an IPv4 address; it has four"
                                + " parts of 0 to 255"),
                badPortals(
                        "three octets",
                        "portals: [{listen: \"127.0.1:1\"}]",
                        "1: portals[0].listen: \"127.0.1\" is not an IPv4 address; it has four"
                                + " parts of 0 to 255"),
                badPortals(
                        "bad IPv6",
                        "portals: [{listen: \"[1:2]:1\"}]",
                        "1: portals[0].listen: \"1:2\" is neither an address nor a host that is"
                                + " known here"),
                badPortals(
                        "same portal twice",
                        "portals:\n  - listen: \"127.0.0.1:3260\"\n  - listen: \"localhost:3260\"",
                        "3: portals[1].listen: this address is already listened on, line 2"),
                badPortals(
                        "group",
                        "portals: [{listen: \"127.0.0.1:0\", group: 0}]",
                        "1: portals[0].group: must be a whole number from 1 to 65535, not 0"),
                badPortals(
                        "huge group",
                        "portals: [{listen: \"127.0.0.1:0\", group: 99999999999999999999999}]",
                        "1: portals[0].group: must be a whole number from 1 to 65535, not"
                                + " 99999999999999999999…"),
                badPortals(
                        "group as text",
                        "portals: [{listen: \"127.0.0.1:0\", group: one}]",
                        "1: portals[0].group: must be a whole number from 1 to 65535, not the text"
                                + " \"one\""),
                badPortals(
                        "metrics",
                        "portals: [{listen: \"127.0.0.1:0\"}]\nmetrics: 9260",
                        "2: metrics: must be text, not the number 9260; put it in quotes"),
                badPortals(
                        "control",
                        "portals: [{listen: \"127.0.0.1:0\"}]\ncontrol: \"/"
                                + "a".repeat(107)
                                + "\"",
                        "2: control: /"
                                + "a".repeat(107)
                                + " is too long for a socket; at most 107 bytes fit"));
    }

    static Stream<Case> names() {
        return Stream.of(
                badTarget(
                        "no type",
                        "iqn: vm1\n    @",
                        "4: targets[0].iqn: \"vm1\" must begin with iqn., eui. or naa., such as"
                                + " iqn.2026-11.io.lunkeeper:vm1"),
                badTarget(
                        "month",
                        "iqn: iqn.2026-13.io.x:a\n    @",
                        "4: targets[0].iqn: \"iqn.2026-13.io.x:a\" must be"
                                + " iqn.YYYY-MM.REVERSED.DOMAIN:NAME, such as"
                                + " iqn.2026-11.io.lunkeeper:vm1"),
                badTarget(
                        "no domain",
                        "iqn: \"iqn.2026-11:a\"\n    @",
                        "4: targets[0].iqn: \"iqn.2026-11:a\" must be"
                                + " iqn.YYYY-MM.REVERSED.DOMAIN:NAME, such as"
                                + " iqn.2026-11.io.lunkeeper:vm1"),
                badTarget(
                        "underscore",
                        "iqn: iqn.2026-11.io.x:a_b\n    @",
                        "4: targets[0].iqn: \"iqn.2026-11.io.x:a_b\" has characters other than"
                                + " letters, digits, \"-\", \".\" and \":\""),
                badTarget(
                        "eui",
                        "iqn: eui.0123\n    @",
                        "4: targets[0].iqn: \"eui.0123\" must have 16 hexadecimal digits after"
                                + " \"eui.\""),
                badTarget(
                        "naa",
                        "iqn: naa.0123\n    @",
                        "4: targets[0].iqn: \"naa.0123\" must have 16 or 32 hexadecimal digits"
                                + " after \"naa.\""),
                badTarget(
                        "long name",
                        "iqn: iqn.2026-11.io.x:" + "a".repeat(207) + "\n    @",
                        "4: targets[0].iqn: \"iqn.2026-11.io.x:"
                                + "a".repeat(63)
                                + "…\" has 224 bytes; at most 223 fit"),
                badTarget(
                        "same name, other case",
                        lines(
                                "iqn: iqn.2026-11.io.x:a",
                                "    @",
                                "  - iqn: IQN.2026-11.io.x:A",
                                "    luns: [{lun: 0, image: b.img, size: 1MiB}]"),
                        "6: targets[1].iqn: there is already a target of this name, line 4"),
                badTarget(
                        "no luns",
                        "iqn: iqn.2026-11.io.x:a",
                        "4: targets[0].luns: is missing; add luns: [{lun: 0, image: disk.img,"
                                + " size: 4GiB}]"),
                badTarget(
                        "no initiators at all",
                        "iqn: iqn.2026-11.io.x:a\n    initiators: []\n    @",
                        "5: targets[0].initiators: must not be an empty list"),
                badTarget(
                        "initiator that cannot be",
                        lines(
                                "iqn: iqn.2026-11.io.x:a",
                                "    initiators:",
                                "      - iqn.*",
                                "      - myhost",
                                "      - \"iqn.2026 b\"",
                                "    @"),
                        "7: targets[0].initiators[1]: \"myhost\" matches no initiator: their names"
                                + " begin with iqn., eui. or naa., such as"
                                + " iqn.1993-08.org.debian:*",
                        "8: targets[0].initiators[2]: \"iqn.2026 b\" must be at most 223 letters,"
                                + " digits, \"-\", \".\", \":\", \"_\" and the wildcards \"*\" and"
                                + " \"?\""));
    }

    static Stream<Case> luns() {
        String sizes =
                "; write a whole number of bytes, KiB, MiB, GiB, TiB, PiB (of 1024) or kB, MB, GB,"
                        + " TB, PB (of 1000), such as 4GiB";
        return Stream.of(
                badLun(
                        "no image",
                        "size: 1MiB",
                        "6: targets[0].luns[0].image: is missing; add image: images/vm1.img"),
                badLun(
                        "vague unit",
                        "image: a.img\nsize: 4G",
                        "8: targets[0].luns[0].size: \"4G\" is not a size" + sizes),
                badLun(
                        "negative size",
                        "image: a.img\nsize: -512",
                        "8: targets[0].luns[0].size: \"-512\" is not a size" + sizes),
                badLun(
                        "odd size",
                        "image: a.img\nsize: 1000",
                        "8: targets[0].luns[0].size: \"1000\" must be a positive multiple of"
                                + " block-size, 512 bytes"),
                badLun(
                        "size against 4096",
                        "block-size: 4096\nimage: a.img\nsize: 4608",
                        "9: targets[0].luns[0].size: \"4608\" must be a positive multiple of"
                                + " block-size, 4096 bytes"),
                badLun(
                        "no size to speak of",
                        "image: a.img\nsize: 0",
                        "8: targets[0].luns[0].size: \"0\" must be a positive multiple of"
                                + " block-size, 512 bytes"),
                badLun(
                        "overflow",
                        "image: a.img\nsize: 8192PiB",
                        "8: targets[0].luns[0].size: \"8192PiB\" is more than a file can hold"),
                badLun(
                        "overflow of bytes",
                        "image: a.img\nsize: 9999999999999999999",
                        "8: targets[0].luns[0].size: \"9999999999999999999\" is more than a file"
                                + " can hold"),
                badLun(
                        "empty size",
                        "image: a.img\nsize:",
                        "8: targets[0].luns[0].size: must be text, not nothing"),
                badLun(
                        "choices",
                        lines(
                                "image: a.img",
                                "size: 1MiB",
                                "allocate: thick",
                                "cache: writeback",
                                "read-only: \"yes\"",
                                "block-size: 1024"),
                        "9: targets[0].luns[0].allocate: must be one of sparse, reserve, full, not"
                                + " the text \"thick\"",
                        "10: targets[0].luns[0].cache: must be one of write-back, write-through,"
                                + " direct, not the text \"writeback\"; did you mean write-back?",
                        "11: targets[0].luns[0].read-only: must be true or false, not the text"
                                + " \"yes\"",
                        "12: targets[0].luns[0].block-size: must be 512 or 4096, not 1024"),
                badLun(
                        "camel case",
                        "image: a.img\nsize: 1MiB\nreadOnly: true",
                        "9: targets[0].luns[0]: unknown key \"readOnly\"; did you mean read-only?"),
                badLun(
                        "physical block size",
                        "image: a.img\nsize: 1MiB\nphysical-block-size: 5000",
                        "9: targets[0].luns[0].physical-block-size: must be a power of two, such as"
                                + " 4096, not 5000"),
                badLun(
                        "physical below logical block size",
                        "image: a.img\nsize: 1MiB\nblock-size: 4096\nphysical-block-size: 512",
                        "10: targets[0].luns[0].physical-block-size: must be a whole number from"
                                + " 4096 to 65536, not 512"),
                badLun(
                        "serial and threads",
                        "image: a.img\nsize: 1MiB\nserial: \"a\\tb\"\nthreads: 0",
                        "9: targets[0].luns[0].serial: \"a\\u0009b\" must be 1 to 64 printable"
                                + " ASCII characters, no space at its ends",
                        "10: targets[0].luns[0].threads: must be a whole number from 1 to 64, not"
                                + " 0"),
                badTarget(
                        "same serial",
                        lines(
                                "iqn: iqn.2026-11.io.x:a",
                                "    luns:",
                                "      - {lun: 0, image: a.img, size: 1MiB, serial: s}",
                                "      - {lun: 1, image: b.img, size: 1MiB, serial: s}"),
                        "7: targets[0].luns[1].serial: another LUN has this serial number, line 6"),
                badTarget(
                        "same number",
                        lines(
                                "iqn: iqn.2026-11.io.x:a",
                                "    luns:",
                                "      - {lun: 1, image: a.img, size: 1MiB}",
                                "      - {lun: 1, image: b.img, size: 1MiB}"),
                        "7: targets[0].luns[1].lun: LUN 1 is already given, line 6"),
                badTarget(
                        "high number",
                        lines(
                                "iqn: iqn.2026-11.io.x:a",
                                "    luns:",
                                "      - {lun: 16384, image: a.img, size: 1MiB}"),
                        "6: targets[0].luns[0].lun: must be a whole number from 0 to 16383, not"
                                + " 16384"));
    }

    static Stream<Case> cases() {
        return Stream.of(structure(), addresses(), names(), luns()).flatMap(s -> s);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void saysWhatIsWrongWhereAndWhatWouldBeRight(Case bad) throws IOException {
        Path file = directory.resolve("x.yaml");
        Files.writeString(file, bad.yaml().replace("@", LUNS));
        assertEquals(
                String.join("\n", bad.problems()),
                ConfigurationRejection.of(file).replace(file + ":", ""));
    }
}

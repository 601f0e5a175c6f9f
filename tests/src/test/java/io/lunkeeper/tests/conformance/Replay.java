package io.lunkeeper.tests.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.ScsiResult;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// A dialogue with a disk as an operating system has it, from a text file beside this class: a title
/// on a line of its own begins a step, and the indented lines under it are
///
///     from NAME               which initiator; the first one has none
///     cdb HEX                 the command
///     out HEX, out N x HEX    its data, several lines one after the other; N x: N times
///     in N                    the most it may return
///     length N                what it returns
///     data N: HEX             bytes that it returns, from offset N; `..` is any byte
///     text N: TEXT            the same as text
///     keep NAME N LENGTH      bytes that it returns, for `{NAME}` in the data of later steps
///     sense KEY/ASC/ASCQ      why it is refused; without, it is not
///     information HEX         INFORMATION of that
///     field BYTE              the byte of the CDB that is wrong
///     conflict                RESERVATION CONFLICT instead
final class Replay {
    /// One command and what must come of it.
    static final class Step {
        private final String title;
        private String from = "";
        private byte[] cdb = {};
        private final List<String> out = new ArrayList<>();
        private int in;
        private int length = -1;
        private int sense = -1;
        private long information = -1;
        private int field = -1;
        private boolean conflict;
        private final List<Expected> expected = new ArrayList<>();
        private String keep = "";

        private Step(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }

        /// Runs the command and compares.
        ///
        /// @param initiators by name
        /// @param kept what earlier steps kept, by name, in hexadecimal
        void run(int lun, Map<String, RawInitiator> initiators, Map<String, String> kept)
                throws IOException {
            RawInitiator initiator = Objects.requireNonNull(initiators.get(from), from);
            ScsiResult result =
                    out.isEmpty()
                            ? initiator.read(lun, cdb, in)
                            : initiator.write(lun, cdb, dataOut(kept));
            if (conflict) {
                assertEquals(ScsiResult.RESERVATION_CONFLICT, result.status(), result::toString);
            } else if (sense >= 0) {
                assertSense(result);
            } else {
                assertEquals(ScsiResult.GOOD, result.status(), result::toString);
            }
            byte[] data = result.data();
            String all = HexFormat.ofDelimiter(" ").formatHex(data, 0, Math.min(64, data.length));
            if (length >= 0) {
                assertEquals(length, data.length, all);
            }
            for (Expected part : expected) {
                part.check(data, all);
            }
            if (!keep.isEmpty()) {
                String[] words = keep.split(" +", 3);
                int offset = Integer.parseInt(words[1]);
                int end = offset + Integer.parseInt(words[2]);
                assertTrue(end <= data.length, () -> "too short: " + all);
                kept.put(words[0], HexFormat.of().formatHex(data, offset, end));
            }
        }

        private byte[] dataOut(Map<String, String> kept) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (String line : out) {
                String hex = line;
                for (Map.Entry<String, String> known : kept.entrySet()) {
                    hex = hex.replace("{" + known.getKey() + "}", known.getValue());
                }
                bytes.writeBytes(repeated(hex));
            }
            return bytes.toByteArray();
        }

        private void assertSense(ScsiResult result) {
            assertEquals(ScsiResult.CHECK_CONDITION, result.status(), result::toString);
            assertEquals(sense, result.senseCode(), result::toString);
            ByteBuffer bytes = ByteBuffer.wrap(result.sense());
            if (information >= 0) {
                assertTrue((bytes.get(0) & 0x80) != 0, result::toString);
                assertEquals(information, bytes.getInt(3), result::toString);
            }
            if (field >= 0) {
                assertEquals(0xc0, bytes.get(15) & 0xc0, result::toString);
                assertEquals(field, bytes.getShort(16), result::toString);
            }
        }

        private void read(String line) {
            String[] words = line.split("\\s+", 2);
            String value = words.length > 1 ? words[1] : "";
            switch (words[0]) {
                case "from" -> from = value;
                case "cdb" -> cdb = hex(value);
                case "out" -> out.add(value);
                case "keep" -> keep = value;
                case "in" -> in = Integer.parseInt(value);
                case "length" -> length = Integer.parseInt(value);
                case "sense" -> sense = Integer.parseInt(value.replace("/", ""), 16);
                case "information" -> information = Long.parseLong(value, 16);
                case "field" -> field = Integer.parseInt(value);
                case "conflict" -> conflict = true;
                case "data" -> expected.add(Expected.bytes(value));
                case "text" -> expected.add(Expected.text(value));
                default -> throw new IllegalArgumentException(line);
            }
        }
    }

    /// Some bytes of what a command returns; -1 is any.
    private record Expected(int offset, List<Integer> bytes) {
        static Expected bytes(String value) {
            String[] parts = value.split(": *", 2);
            List<Integer> bytes = new ArrayList<>();
            for (String word : parts[1].split(" +", -1)) {
                bytes.add(word.equals("..") ? -1 : Integer.parseInt(word, 16));
            }
            return new Expected(Integer.parseInt(parts[0]), bytes);
        }

        static Expected text(String value) {
            String[] parts = value.split(": ", 2);
            return new Expected(Integer.parseInt(parts[0]), parts[1].chars().boxed().toList());
        }

        void check(byte[] data, String all) {
            assertTrue(offset + bytes.size() <= data.length, () -> "too short: " + all);
            for (int i = 0; i < bytes.size(); i++) {
                int at = offset + i;
                int want = bytes.get(i);
                assertEquals(
                        want < 0 ? data[at] & 0xff : want,
                        data[at] & 0xff,
                        () -> "byte " + at + " of " + all);
            }
        }
    }

    private final List<Step> steps = new ArrayList<>();

    /// Reads `replay-NAME.txt`.
    Replay(String name) {
        String resource = "replay-" + name + ".txt";
        try (InputStream file = Replay.class.getResourceAsStream(resource)) {
            String text = new String(Objects.requireNonNull(file, resource).readAllBytes(), UTF_8);
            for (String line : text.lines().toList()) {
                if (line.isBlank() || line.startsWith("#")) {
                    continue;
                }
                if (line.startsWith(" ")) {
                    steps.getLast().read(line.strip());
                } else {
                    steps.add(new Step(line.strip()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<Step> steps() {
        return List.copyOf(steps);
    }

    private static byte[] hex(String value) {
        return HexFormat.of().parseHex(value.replace(" ", ""));
    }

    private static byte[] repeated(String value) {
        String[] parts = value.split(" x ", 2);
        if (parts.length == 1) {
            return hex(value);
        }
        byte[] once = hex(parts[1]);
        int times = Integer.parseInt(parts[0]);
        ByteBuffer all = ByteBuffer.allocate(times * once.length);
        for (int i = 0; i < times; i++) {
            all.put(once);
        }
        return all.array();
    }
}

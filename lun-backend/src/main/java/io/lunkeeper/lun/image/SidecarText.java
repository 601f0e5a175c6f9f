package io.lunkeeper.lun.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/// What is in a [Sidecar], and how it is written: Java properties, one a line; the keys of a
/// section begin with its name and a dot. Two lines more list the sections with their checksums,
/// and the checksum of the list: where the list is sound, it is known what was there and which
/// section is as it was written. What an earlier version wrote has no list, and is taken as it is.
///
/// @param sections by name
/// @param checked whether it has the list
record SidecarText(SortedMap<String, Section> sections, boolean checked) {
    static final SidecarText EMPTY = new SidecarText(new TreeMap<>(), true);

    private static final String FORMAT_KEY = "format";
    private static final String FORMAT = "3";
    private static final String FORMAT_WITHOUT_LIST = "2";

    private static final String LIST_KEY = "sections";
    private static final String LIST_CHECKSUM_KEY = "checksum";

    /// A section.
    ///
    /// @param entries of a damaged one what is left of it
    /// @param checksum of what was written, in hexadecimal digits
    record Section(SortedMap<String, String> entries, String checksum) {
        private static Section of(SortedMap<String, String> entries) {
            return new Section(entries, checksumOf(entries));
        }

        boolean damaged() {
            return !checksum.equals(checksumOf(entries));
        }

        private static String checksumOf(SortedMap<String, String> entries) {
            StringBuilder all = new StringBuilder();
            entries.forEach(
                    (key, value) -> all.append(key).append('\0').append(value).append('\0'));
            return SidecarText.checksumOf(all.toString());
        }
    }

    SidecarText {
        sections = Collections.unmodifiableSortedMap(sections);
    }

    /// The same with another section of this name; with an empty one: without.
    SidecarText with(String name, SortedMap<String, String> entries) {
        assert !name.isEmpty() && name.chars().allMatch(Character::isLetter) : name;
        SortedMap<String, Section> changed = new TreeMap<>(sections);
        if (entries.isEmpty()) {
            changed.remove(name);
        } else {
            changed.put(name, Section.of(entries));
        }
        return new SidecarText(changed, true);
    }

    /// CRC-32C.
    static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    private static String checksumOf(String text) {
        return "%08x".formatted(crc(text.getBytes(StandardCharsets.UTF_8)));
    }

    // ---- reading

    /// @throws IllegalArgumentException when it cannot be told which sections there were
    static SidecarText parse(byte[] content) {
        SortedMap<String, String> all = new TreeMap<>();
        IllegalArgumentException malformed = null;
        for (String line : new String(content, StandardCharsets.ISO_8859_1).lines().toList()) {
            try {
                load(line).forEach((key, value) -> all.put(key.toString(), value.toString()));
            } catch (IllegalArgumentException e) {
                malformed = e;
            }
        }
        String format = all.remove(FORMAT_KEY);
        String list = all.remove(LIST_KEY);
        String checksum = all.remove(LIST_CHECKSUM_KEY);
        if (FORMAT_WITHOUT_LIST.equals(format) && list == null && checksum == null) {
            if (malformed != null) {
                throw malformed;
            }
            return withoutList(all);
        }
        if (!FORMAT.equals(format)) {
            throw new IllegalArgumentException("its format is " + format + ", not " + FORMAT);
        }
        if (list == null || !checksumOf(list).equals(checksum)) {
            throw new IllegalArgumentException("the list of its sections is damaged");
        }
        return listed(list, all);
    }

    /// One line by itself, so that one which makes no sense takes no other with it.
    private static Properties load(String line) {
        Properties one = new Properties();
        try {
            one.load(new StringReader(line));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return one;
    }

    private static SidecarText listed(String list, SortedMap<String, String> all) {
        SortedMap<String, Section> sections = new TreeMap<>();
        for (String item : list.split(" ", -1)) {
            int end = item.indexOf(':');
            if (end < 0) {
                throw new IllegalArgumentException("the list of its sections has " + item);
            }
            String name = item.substring(0, end);
            sections.put(name, new Section(entries(name, all), item.substring(end + 1)));
        }
        return new SidecarText(sections, true);
    }

    private static SidecarText withoutList(SortedMap<String, String> all) {
        SortedMap<String, Section> sections = new TreeMap<>();
        for (String key : all.keySet()) {
            String name = key.substring(0, Math.max(0, key.indexOf('.')));
            sections.computeIfAbsent(name, _ -> Section.of(entries(name, all)));
        }
        return new SidecarText(sections, false);
    }

    private static SortedMap<String, String> entries(String name, SortedMap<String, String> all) {
        String prefix = name + ".";
        SortedMap<String, String> entries = new TreeMap<>();
        all.forEach((key, value) -> {
            if (key.startsWith(prefix)) {
                entries.put(key.substring(prefix.length()), value);
            }
        });
        return entries;
    }

    // ---- writing

    byte[] bytes() {
        Properties all = new Properties();
        sections.forEach((name, section) ->
                section.entries()
                        .forEach((key, value) -> all.setProperty(name + "." + key, value)));
        String list =
                sections.entrySet().stream()
                        .map(SidecarText::item)
                        .collect(Collectors.joining(" "));
        all.setProperty(FORMAT_KEY, FORMAT);
        all.setProperty(LIST_KEY, list);
        all.setProperty(LIST_CHECKSUM_KEY, checksumOf(list));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            all.store(bytes, "Belongs to the image beside it. Do not edit: it has checksums.");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static String item(Map.Entry<String, Section> section) {
        return section.getKey() + ":" + section.getValue().checksum();
    }
}

package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/// A mapping of the file, free of unknown and repeated keys.
final class Section {
    private final Entry entry;
    private final Map<String, Entry> values = new LinkedHashMap<>();

    private Section(Entry entry) {
        this.entry = entry;
    }

    static Section read(Entry entry, MappingNode mapping, List<String> known) {
        Section section = new Section(entry);
        for (NodeTuple tuple : mapping.getValue()) {
            section.take(tuple, known);
        }
        return section;
    }

    private void take(NodeTuple tuple, List<String> known) {
        Problems problems = entry.problems();
        int line = Entry.lineOf(tuple.getKeyNode());
        if (!(tuple.getKeyNode() instanceof ScalarNode scalar)) {
            problems.add(
                    line,
                    entry.key(),
                    "a key must be one word; known here: " + String.join(", ", known));
            return;
        }
        String name = scalar.getValue();
        if (!known.contains(name)) {
            String hint =
                    NearMiss.of(name, known)
                            .map(near -> "did you mean " + near + "?")
                            .orElse("known here: " + String.join(", ", known));
            problems.add(line, entry.key(), "unknown key " + quoted(name) + "; " + hint);
            return;
        }
        Entry value = new Entry(path(name), line, tuple.getValueNode(), problems);
        Entry earlier = values.putIfAbsent(name, value);
        if (earlier != null) {
            value.wrong("given twice, first on line " + earlier.line() + "; keep one");
        }
    }

    private String path(String name) {
        return entry.key().isEmpty() ? name : entry.key() + "." + name;
    }

    /// The value of a key that may be absent.
    Optional<Entry> optional(String name) {
        return Optional.ofNullable(values.get(name));
    }

    /// The value of a key that must be there.
    ///
    /// @param example what to add
    Optional<Entry> required(String name, String example) {
        Entry value = values.get(name);
        if (value == null) {
            entry.problems()
                    .add(entry.line(), path(name), "is missing; add " + name + ": " + example);
        }
        return Optional.ofNullable(value);
    }
}

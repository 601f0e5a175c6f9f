package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/// One value of the file with its place. Each reading method returns the value, or reports why it
/// is not one and returns nothing, so that a single pass finds every problem.
///
/// @param key the path of the key, for messages
/// @param line where it stands, from 1
record Entry(String key, int line, Node node, Problems problems) {

    static int lineOf(Node node) {
        return node.getStartMark().map(Mark::getLine).orElse(0) + 1;
    }

    /// Reports a problem with this value.
    ///
    /// @return nothing, for the caller to return
    <T> Optional<T> wrong(String message) {
        problems.add(line, key, message);
        return Optional.empty();
    }

    /// Text that is not empty.
    Optional<String> text() {
        if (!(node instanceof ScalarNode scalar) || !scalar.getTag().equals(Tag.STR)) {
            boolean quotable = node instanceof ScalarNode && !node.getTag().equals(Tag.NULL);
            return wrong("must be text, not " + kind() + (quotable ? "; put it in quotes" : ""));
        }
        if (scalar.getValue().isEmpty()) {
            return wrong("must not be empty");
        }
        return Optional.of(scalar.getValue());
    }

    /// Text, or a number as it is written.
    ///
    /// @param what what it must be, for the message
    Optional<String> textOrNumber(String what) {
        Tag tag = node.getTag();
        boolean right = tag.equals(Tag.STR) || tag.equals(Tag.INT) || tag.equals(Tag.FLOAT);
        return node instanceof ScalarNode scalar && right
                ? Optional.of(scalar.getValue())
                : wrong("must be " + what + ", not " + kind());
    }

    /// The value as it is written, in quotes, for messages.
    String scalar() {
        return node instanceof ScalarNode scalar ? quoted(scalar.getValue()) : kind();
    }

    /// A whole number from `least` to `most`.
    Optional<Integer> integer(int least, int most) {
        String range = "a whole number from " + least + " to " + most;
        if (!(node instanceof ScalarNode scalar) || !scalar.getTag().equals(Tag.INT)) {
            return wrong("must be " + range + ", not " + kind());
        }
        try {
            int value = Integer.parseInt(scalar.getValue());
            if (value >= least && value <= most) {
                return Optional.of(value);
            }
        } catch (NumberFormatException _) {
            // The tag says that it is a number, so it is one beyond an int.
        }
        return wrong("must be " + range + ", not " + clipped(scalar.getValue()));
    }

    /// `true` or `false`.
    Optional<Boolean> flag() {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.BOOL)
                ? Optional.of(scalar.getValue().equals("true"))
                : wrong("must be true or false, not " + kind());
    }

    /// A path, absolute; the file may give it relative to the `directory`.
    Optional<Path> path(Path directory) {
        Optional<String> name = text();
        if (name.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(directory.resolve(name.get()).normalize());
        } catch (InvalidPathException _) {
            return wrong(quoted(name.get()) + " is not a path");
        }
    }

    /// One of the words of `choices`.
    <T> Optional<T> choice(Map<String, T> choices) {
        String words = String.join(", ", choices.keySet());
        if (!(node instanceof ScalarNode scalar) || !scalar.getTag().equals(Tag.STR)) {
            return wrong("must be one of " + words + ", not " + kind());
        }
        T chosen = choices.get(scalar.getValue());
        if (chosen != null) {
            return Optional.of(chosen);
        }
        String hint =
                NearMiss.of(scalar.getValue(), choices.keySet())
                        .map(near -> "; did you mean " + near + "?")
                        .orElse("");
        return wrong("must be one of " + words + ", not " + kind() + hint);
    }

    /// The members of a list that is not empty.
    List<Entry> items() {
        if (!(node instanceof SequenceNode sequence)) {
            wrong("must be a list, not " + kind());
            return List.of();
        }
        if (sequence.getValue().isEmpty()) {
            wrong("must not be an empty list");
        }
        List<Entry> items = new ArrayList<>();
        for (Node item : sequence.getValue()) {
            items.add(new Entry(key + "[" + items.size() + "]", lineOf(item), item, problems));
        }
        return items;
    }

    /// The members of a list, or the value itself where it may stand for a list of one.
    List<Entry> oneOrMore() {
        return node instanceof SequenceNode ? items() : List.of(this);
    }

    /// Whether it has keys of its own.
    boolean isMapping() {
        return node instanceof MappingNode;
    }

    /// A mapping of which all keys are among `known`.
    Optional<Section> section(List<String> known) {
        return node instanceof MappingNode mapping
                ? Optional.of(Section.read(this, mapping, known))
                : wrong(
                        "must be a mapping with the keys "
                                + String.join(", ", known)
                                + ", not "
                                + kind());
    }

    private String kind() {
        return switch (node.getNodeType()) {
            case MAPPING -> "a mapping";
            case SEQUENCE -> "a list";
            case ANCHOR -> "an anchor";
            case SCALAR -> scalarKind();
        };
    }

    private String scalarKind() {
        String value = ((ScalarNode) node).getValue();
        Tag tag = node.getTag();
        if (tag.equals(Tag.NULL)) {
            return "nothing";
        }
        if (tag.equals(Tag.INT) || tag.equals(Tag.FLOAT)) {
            return "the number " + clipped(value);
        }
        if (tag.equals(Tag.BOOL)) {
            return value;
        }
        return tag.equals(Tag.STR) ? "the text " + quoted(value) : "a value with a tag";
    }

    private static String clipped(String number) {
        return number.length() > 20 ? number.substring(0, 20) + "…" : number;
    }
}

package io.lunkeeper.target.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// What has been found wrong so far in one file.
final class Problems {
    /// More would scroll the first ones, which are the causes, off the screen.
    static final int MAX_REPORTED = 50;

    /// A value that is quoted in a message is cut here, so that a line stays a line.
    private static final int MAX_QUOTED_CHARS = 80;

    private final List<Problem> found = new ArrayList<>();
    private int unreported;

    void add(int line, String key, String message) {
        if (found.size() < MAX_REPORTED) {
            found.add(new Problem(line, key, message));
        } else {
            unreported++;
        }
    }

    boolean none() {
        return found.isEmpty();
    }

    /// The problems by line, and a last one that counts those beyond the limit.
    List<Problem> sorted() {
        List<Problem> sorted = new ArrayList<>(found);
        sorted.sort(Comparator.comparingInt(Problem::line));
        if (unreported > 0) {
            sorted.add(new Problem(0, "", "and " + unreported + " more"));
        }
        return sorted;
    }

    /// A value of the file for a message: quoted, on one line, of bounded length.
    static String quoted(String value) {
        StringBuilder text = new StringBuilder("\"");
        int end = Math.min(value.length(), MAX_QUOTED_CHARS);
        for (int i = 0; i < end; i++) {
            char c = value.charAt(i);
            if (Character.isISOControl(c)) {
                text.append(String.format("\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        return text.append(end < value.length() ? "…\"" : "\"").toString();
    }
}

package io.lunkeeper.target.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// The word that somebody probably meant.
final class NearMiss {
    /// Two slips of the finger; with three, short keys resemble everything.
    private static final int MAX_EDITS = 2;

    /// No key is nearly as long; bounds the work for hostile input.
    private static final int MAX_CHARS = 64;

    private NearMiss() {}

    /// The nearest of the `known` words, when one is near.
    static Optional<String> of(String word, Collection<String> known) {
        if (word.length() > MAX_CHARS) {
            return Optional.empty();
        }
        String bare = bare(word);
        return known.stream()
                .filter(k -> edits(bare, bare(k)) <= Math.min(MAX_EDITS, bare(k).length() / 2))
                .min(Comparator.comparingInt(k -> edits(bare, bare(k))));
    }

    /// `readOnly` and `read_only` are `read-only` to everybody but a parser.
    private static String bare(String word) {
        return word.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }

    /// How many insertions, removals, replacements and swaps of neighbours make `b` of `a`.
    private static int edits(String a, String b) {
        int[][] cost = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                cost[i][j] = i == 0 || j == 0 ? i + j : cheapest(cost, a, b, i, j);
            }
        }
        return cost[a.length()][b.length()];
    }

    private static int cheapest(int[][] cost, String a, String b, int i, int j) {
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        int best = cost[i - 1][j - 1] + (same ? 0 : 1);
        best = Math.min(best, cost[i - 1][j] + 1);
        best = Math.min(best, cost[i][j - 1] + 1);
        boolean swapped =
                i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(best, cost[i - 2][j - 2] + 1) : best;
    }
}

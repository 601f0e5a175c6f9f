package io.lunkeeper.target.login;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The keys that one negotiation has had. RFC 7143 6.2 Text Mode Negotiation: to offer or declare a
/// key twice is an error. Bounded by [TextKeys#MAX_TEXT_BYTES].
final class KeysSeen {
    private final Map<String, String> values = new HashMap<>();

    /// Notes the keys of one text.
    ///
    /// @return false when there is one that has been before. A name may come again in a later text
    ///   with the same value: libiscsi repeats who it is in every stage
    boolean add(List<TextKeys.Pair> pairs) {
        Set<String> here = new HashSet<>();
        for (TextKeys.Pair pair : pairs) {
            if (TextKeys.isReply(pair.value())) {
                // Neither offer nor declaration: the initiator's own may still come.
                continue;
            }
            String before = values.put(pair.key(), pair.value());
            if (!here.add(pair.key()) || (before != null && !isSameName(pair, before))) {
                return false;
            }
        }
        return true;
    }

    void clear() {
        values.clear();
    }

    private static boolean isSameName(TextKeys.Pair pair, String before) {
        TextKey key = TextKey.of(pair.key());
        return key != null && key.rule() instanceof KeyRule.Name && pair.value().equals(before);
    }
}

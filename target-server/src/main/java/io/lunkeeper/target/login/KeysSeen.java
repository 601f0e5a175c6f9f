package io.lunkeeper.target.login;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The keys that one negotiation has had, at most [TextKeys#MAX_PAIRS]. RFC 7143 6.2 Text Mode
/// Negotiation: to offer or declare a key twice is an error.
final class KeysSeen {
    /// By key the value of a name, of any other nothing.
    private final Map<String, String> names = new HashMap<>();

    /// Notes the keys of one text.
    ///
    /// @return false when there is one that has been before, or when there are too many. A name may
    ///   come again in a later text with the same value: libiscsi repeats who it is in every stage
    boolean add(List<TextKeys.Pair> pairs) {
        Set<String> here = new HashSet<>();
        for (TextKeys.Pair pair : pairs) {
            if (TextKeys.isReply(pair.value())) {
                // Neither offer nor declaration: the initiator's own may still come.
                continue;
            }
            String name = isName(pair) ? pair.value() : "";
            String before = names.put(pair.key(), name);
            boolean again = before != null && !(isName(pair) && name.equals(before));
            if (!here.add(pair.key()) || again || names.size() > TextKeys.MAX_PAIRS) {
                return false;
            }
        }
        return true;
    }

    boolean has(TextKey key) {
        return names.containsKey(key.text());
    }

    void clear() {
        names.clear();
    }

    private static boolean isName(TextKeys.Pair pair) {
        TextKey key = TextKey.of(pair.key());
        return key != null && key.rule() instanceof KeyRule.Name;
    }
}

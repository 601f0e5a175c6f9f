package io.lunkeeper.target.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Words of the file and what they stand for, in the order in which messages list them.
final class Words {
    private Words() {}

    static <T> Map<String, T> inOrder(List<String> words, List<T> meanings) {
        assert words.size() == meanings.size();
        Map<String, T> map = new LinkedHashMap<>();
        for (int i = 0; i < words.size(); i++) {
            map.put(words.get(i), meanings.get(i));
        }
        return Collections.unmodifiableMap(map);
    }
}

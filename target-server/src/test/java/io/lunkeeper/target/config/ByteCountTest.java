package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.Tag;

final class ByteCountTest {
    @ParameterizedTest
    @CsvSource({
        "512, 512",
        "1048576, 1048576",
        "1KiB, 1024",
        "512MiB, 536870912",
        "4GiB, 4294967296",
        "4 GiB, 4294967296",
        "1TiB, 1099511627776",
        "8191PiB, 9222246136947933184",
        "512kB, 512000",
        "512MB, 512000000",
        "1GB, 1000000000",
        "1TB, 1000000000000",
        "1PB, 1000000000000000",
    })
    void sizesAreBytes(String text, long bytes) {
        Problems problems = new Problems();
        ScalarNode node = new ScalarNode(Tag.STR, text, ScalarStyle.PLAIN);
        assertEquals(
                Optional.of(bytes),
                ByteCount.read(new Entry("size", 1, node, problems), 512),
                () -> problems.sorted().toString());
    }
}

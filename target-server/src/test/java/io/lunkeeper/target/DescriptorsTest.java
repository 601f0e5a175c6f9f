package io.lunkeeper.target;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DescriptorsTest {
    @TempDir private Path process;

    private Optional<Descriptors> read(String softAndHard, int open) throws IOException {
        Files.writeString(
                process.resolve("limits"),
                """
                Limit                     Soft Limit           Hard Limit           Units
                Max processes             7763                 7763                 processes
                Max open files            %s                files
                Max locked memory         8388608              8388608              bytes
                """
                        .formatted(softAndHard));
        Path descriptors = Files.createDirectory(process.resolve("fd"));
        for (int i = 0; i < open; i++) {
            Files.createFile(descriptors.resolve("" + i));
        }
        return Descriptors.of(process);
    }

    @ParameterizedTest
    @CsvSource({
        "1024                 4096, 1024",
        "20000                unlimited, 20000",
        "unlimited            unlimited, 9223372036854775807"
    })
    void whatCountsIsTheSoftLimit(String softAndHard, long limit) throws IOException {
        assertEquals(Optional.of(new Descriptors(limit, 3)), read(softAndHard, 3));
    }

    @Test
    void whereTheKernelSaysNothingThereIsNothingToTell() {
        assertEquals(Optional.empty(), Descriptors.of(process));
    }

    @Test
    void thisProcessHasSome() {
        Descriptors now = Descriptors.now().orElseThrow();
        assertTrue(now.open() > 2 && now.open() < now.limit(), now::toString);
    }

    @ParameterizedTest
    @CsvSource({
        "8192, 8356, 0",
        "8192, 8355, 8356",
        "8193, 8356, 8357",
        "1, 165, 0",
        "1, 164, 165"
    })
    void shortageIsToldToTheOne(int connections, long limit, long needed) {
        Optional<String> told = new Descriptors(limit, 107).shortage(connections, 7);
        assertEquals(needed > 0, told.isPresent(), told::toString);
        if (needed > 0) {
            String expected =
                    "limits.connections is "
                            + connections
                            + ", but the process may have only "
                            + limit
                            + " descriptors, and 100 are in use besides connections";
            assertTrue(told.get().startsWith(expected), told::toString);
            assertTrue(
                    told.get().contains(" allow " + needed + " or more (LimitNOFILE="), told + "");
        }
    }
}

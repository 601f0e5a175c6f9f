package io.lunkeeper.target.config;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SecretFileTest {
    private static final String SECRET = "correct horse battery";

    @TempDir Path directory;

    private Path write(String auth) throws IOException {
        return Files.writeString(
                directory.resolve("x.yaml"),
                "portals: [{listen: \"127.0.0.1:0\"}]\n"
                        + "targets:\n  - iqn: iqn.2026-11.io.x:a\n    auth: {"
                        + auth
                        + "}\n    luns: [{lun: 0, image: a.img, size: 1MiB}]\n");
    }

    private Path secret(String name, String text, String permissions) throws IOException {
        Path file = Files.writeString(directory.resolve(name), text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    private void assertFault(String fault, String auth) throws IOException {
        Path file = write(auth);
        String said = ConfigurationRejection.of(file);
        assertEquals(file + ":4: targets[0].auth" + fault, said);
        assertFalse(said.contains(SECRET));
    }

    @Test
    void readsTheFirstLine() throws Exception {
        secret("s", SECRET + "\nsecond line\n", "rw-------");
        secret("m", "another secret\r\n", "r--------");
        Path file = write("user: alice, secret-file: s, mutual: {user: target, secret-file: ./m}");
        Configuration.Auth auth =
                ConfigurationFile.read(file, EnumSet.allOf(Feature.class))
                        .targets()
                        .getFirst()
                        .access()
                        .getFirst()
                        .auth()
                        .getFirst();
        assertEquals("alice", auth.user());
        assertArrayEquals(SECRET.getBytes(StandardCharsets.UTF_8), auth.secret().bytes());
        assertArrayEquals(
                "another secret".getBytes(StandardCharsets.UTF_8),
                auth.mutual().orElseThrow().secret().bytes());
        assertFalse(auth.toString().contains(SECRET));
    }

    @Test
    void boundsAre12And255Bytes() throws Exception {
        Path file = write("user: a, secret-file: s");
        for (int length : new int[] {12, 255}) {
            secret("s", "x".repeat(length), "rw-------");
            ConfigurationFile.read(file, EnumSet.allOf(Feature.class));
        }
        Path secret = secret("s", "x".repeat(11) + "\n", "rw-------");
        assertFault(
                ".secret-file: the first line of "
                        + secret
                        + " is too short; secrets have at least 12 bytes",
                "user: a, secret-file: s");
        secret("s", "x".repeat(256), "rw-------");
        assertFault(
                ".secret-file: the first line of "
                        + secret
                        + " is too long; secrets have at most 255 bytes",
                "user: a, secret-file: s");
    }

    @Test
    void fileMustBeForItsOwnerOnly() throws Exception {
        for (String open : new String[] {"rw-r-----", "rw----r--", "rw--w----", "rwx------"}) {
            Path secret = secret("s", SECRET, open);
            assertFault(
                    ".secret-file: "
                            + secret
                            + " must be for its owner to read and write only; chmod 600 "
                            + secret,
                    "user: a, secret-file: s");
        }
    }

    @Test
    void fileMustExistAndBeAFile() throws Exception {
        assertFault(
                ".secret-file: there is no file "
                        + directory.resolve("s")
                        + "; create it with the secret in its first line",
                "user: a, secret-file: s");
        assertFault(
                ".secret-file: " + directory + " is not a regular file", "user: a, secret-file: .");
    }

    @Test
    void bothDirectionsNeedSecretsOfTheirOwn() throws Exception {
        secret("s", SECRET, "rw-------");
        assertFault(
                ".mutual: the target's secret is an initiator's too, line 4; use another",
                "user: a, secret-file: s, mutual: {user: b, secret-file: s}");
    }

    @Test
    void severalMayLogInEachUserOnce() throws Exception {
        secret("s", SECRET, "rw-------");
        secret("o", "another secret", "rw-------");
        String list = "[{user: alice, secret-file: s}, {user: %s, secret-file: o}]";
        Path file = write("");
        String text = Files.readString(file);
        Files.writeString(file, text.replace("{}", String.format(list, "bob")));
        List<Configuration.Auth> auth =
                ConfigurationFile.read(file, EnumSet.allOf(Feature.class))
                        .targets()
                        .getFirst()
                        .access()
                        .getFirst()
                        .auth();
        assertEquals(List.of("alice", "bob"), auth.stream().map(Configuration.Auth::user).toList());
        Files.writeString(file, text.replace("{}", String.format(list, "alice")));
        assertEquals(
                file + ":4: targets[0].auth[1]: the user \"alice\" is there already; keep one",
                ConfigurationRejection.of(file));
        Files.writeString(file, text.replace("{}", "[]"));
        assertEquals(
                file + ":4: targets[0].auth: must not be an empty list",
                ConfigurationRejection.of(file));
    }

    @Test
    void noSecretOfTheTargetIsAnInitiatorsAnywhereInTheFile() throws Exception {
        secret("s", SECRET, "rw-------");
        secret("m", "another secret", "rw-------");
        Path file = write("user: a, secret-file: s, mutual: {user: t, secret-file: m}");
        Files.writeString(
                file,
                Files.readString(file)
                        .replace(
                                "targets:", "discovery-auth: {user: d, secret-file: m}\ntargets:"));
        assertEquals(
                file
                        + ":5: targets[0].auth.mutual: the target's secret is an initiator's too,"
                        + " line 2; use another",
                ConfigurationRejection.of(file));
    }

    @Test
    void discoveryMayHaveCredentialsOfItsOwn() throws Exception {
        secret("s", SECRET, "rw-------");
        Path file = write("user: a, secret-file: s");
        Configuration.Auth expected =
                new Configuration.Auth(
                        "d",
                        new Configuration.Secret(SECRET.getBytes(StandardCharsets.UTF_8)),
                        Optional.empty());
        Files.writeString(
                file,
                Files.readString(file)
                        .replace(
                                "targets:", "discovery-auth: {user: d, secret-file: s}\ntargets:"));
        assertEquals(
                List.of(expected),
                ConfigurationFile.read(file, EnumSet.allOf(Feature.class)).discoveryAuth());
    }

    @Test
    void secretInTheFileItselfIsNotRepeated() throws Exception {
        Path file = write("user: a, secret: " + SECRET);
        String said = ConfigurationRejection.of(file);
        assertFalse(said.contains(SECRET), said);
        assertEquals(
                file
                        + ":4: targets[0].auth: unknown key \"secret\"; known here: user,"
                        + " secret-file, mutual\n"
                        + file
                        + ":4: targets[0].auth.secret-file: is missing; add secret-file:"
                        + " secrets/NAME",
                said);
    }
}

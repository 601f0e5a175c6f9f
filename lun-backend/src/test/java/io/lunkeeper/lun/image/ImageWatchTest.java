package io.lunkeeper.lun.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.lun.linux.OpenFile;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageWatchTest {
    private static final long PATIENCE_SECONDS = 30;

    @TempDir Path directory;

    private volatile int locks = 5;

    /// A real file that says of its locks what the test wants.
    private OpenFile file(Path path) throws IOException {
        OpenFile real =
                OpenFile.open(Files.write(path, new byte[4096]), OpenFile.Access.READ_WRITE, false);
        return (OpenFile)
                Proxy.newProxyInstance(
                        getClass().getClassLoader(),
                        new Class<?>[] {OpenFile.class},
                        (_, method, arguments) -> {
                            try {
                                return method.getName().equals("locksHeld")
                                        ? (Object) locks
                                        : method.invoke(real, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    @Test
    void lostLockIsAFailure() throws Exception {
        Path path = directory.resolve("image");
        CompletableFuture<IOException> failed = new CompletableFuture<>();
        CountDownLatch looks = new CountDownLatch(1);
        ImageWatch.Listener listener =
                new ImageWatch.Listener() {
                    @Override
                    public void failed(IOException reason) {
                        failed.complete(reason);
                    }

                    @Override
                    public void opened() {}

                    @Override
                    public void tick() {
                        looks.countDown();
                    }
                };
        try (ImageFile image = ImageFiles.over(path, file(path));
                ImageWatch _ = ImageWatch.start(image, false, false, false, listener)) {
            assertTrue(looks.await(PATIENCE_SECONDS, TimeUnit.SECONDS));
            assertTrue(!failed.isDone());
            locks = 4;
            assertEquals(
                    "image "
                            + path
                            + " has lost its locks, and other programs may have written to it",
                    failed.get(PATIENCE_SECONDS, TimeUnit.SECONDS).getMessage());
        }
    }
}

package io.lunkeeper.tests.bench;

import java.io.File;
import java.io.IOException;
import org.jscsi.target.Configuration;
import org.jscsi.target.Target;
import org.jscsi.target.TargetServer;
import org.jscsi.target.storage.RandomAccessStorageModule;

/// jSCSI's target with one file, without the questions that its own command line asks. It serves
/// one connection after the other, and ends when one breaks off: then it begins anew.
public final class JscsiServer {
    private static final int BLOCK_BYTES = 512;

    private static final class OneFile extends Configuration {
        OneFile(int port, String iqn, File image) throws IOException {
            super("127.0.0.1");
            this.port = port;
            allowSloppyNegotiation = true;
            targets.add(
                    new Target(
                            iqn,
                            "bench",
                            RandomAccessStorageModule.open(
                                    image,
                                    image.length() / BLOCK_BYTES,
                                    false,
                                    RandomAccessStorageModule.class)));
        }
    }

    private JscsiServer() {}

    /// `PORT IQN IMAGE`: serves until it is killed.
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        System.out.println("ready");
        while (true) {
            new TargetServer(new OneFile(port, arguments[1], new File(arguments[2]))).call();
        }
    }
}

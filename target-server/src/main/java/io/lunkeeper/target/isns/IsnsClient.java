package io.lunkeeper.target.isns;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// Keeps one server of names up to date, on a thread of its own: whatever the server does, nothing
/// else waits for it. All methods from any thread.
public final class IsnsClient implements AutoCloseable {
    /// How long the end waits for the server to be told of it; the thread keeps to less.
    private static final Duration CLOSE_LIMIT = Registration.STOP_LIMIT.multipliedBy(2);

    private static final Logger LOG = LogManager.getLogger(IsnsClient.class);

    private final InetSocketAddress server;
    private final Registration registration;
    private final Selector selector;
    private final Thread thread;
    private final PduReader reader = new PduReader();
    private final Wire wire = new Wire();
    private volatile boolean changed;
    private volatile boolean stopping;

    /// The socket of the moment.
    private final class Wire implements Registration.Line {
        private @Nullable SocketChannel channel;
        private @Nullable SelectionKey key;
        private ByteBuffer unsent = ByteBuffer.allocate(0);

        /// What could not be had at once, told when nobody is in the middle of anything.
        private @Nullable String broken;

        @Override
        public void connect() {
            reader.clear();
            unsent = ByteBuffer.allocate(0);
            try {
                InetSocketAddress to =
                        new InetSocketAddress(server.getHostString(), server.getPort());
                if (to.isUnresolved()) {
                    broken = "its name is not known here";
                    return;
                }
                SocketChannel opened = SocketChannel.open();
                channel = opened;
                opened.configureBlocking(false);
                key = opened.register(selector, SelectionKey.OP_CONNECT);
                if (opened.connect(to)) {
                    connected();
                }
            } catch (IOException refused) {
                broken = text(refused);
            }
        }

        private void connected() throws IOException {
            requireNonNull(key).interestOps(SelectionKey.OP_READ);
            InetSocketAddress local = (InetSocketAddress) requireNonNull(channel).getLocalAddress();
            registration.connected(local.getAddress(), System.nanoTime());
        }

        @Override
        public void send(ByteBuffer message) {
            unsent = message;
            try {
                flush();
            } catch (IOException gone) {
                broken = text(gone);
            }
        }

        private void flush() throws IOException {
            requireNonNull(channel).write(unsent);
            requireNonNull(key)
                    .interestOps(
                            unsent.hasRemaining()
                                    ? SelectionKey.OP_READ | SelectionKey.OP_WRITE
                                    : SelectionKey.OP_READ);
        }

        @Override
        public void hangUp() {
            SocketChannel open = channel;
            channel = null;
            key = null;
            broken = null;
            if (open != null) {
                try {
                    open.close();
                } catch (IOException failed) {
                    LOG.debug("close failed", failed);
                }
            }
        }

        private void ready() throws IOException {
            SelectionKey now = key;
            if (now == null || !now.isValid()) {
                return;
            }
            if (now.isConnectable()) {
                if (requireNonNull(channel).finishConnect()) {
                    connected();
                }
                return;
            }
            if (now.isWritable()) {
                flush();
            }
            if (now.isReadable()) {
                read();
            }
        }

        private void read() throws IOException {
            if (requireNonNull(channel).read(reader.room()) < 0) {
                throw new IOException("closed the connection");
            }
            Response response = reader.next().orElse(null);
            while (response != null) {
                registration.received(response, System.nanoTime());
                response = channel == null ? null : reader.next().orElse(null);
            }
        }

        private void tellOfTrouble() {
            String what = broken;
            if (what != null) {
                hangUp();
                registration.lost(what, System.nanoTime());
            }
        }
    }

    private IsnsClient(
            InetSocketAddress server, String name, Function<InetAddress, NetworkEntity> offers)
            throws IOException {
        this.server = server;
        this.registration = new Registration(name, offers, wire);
        this.selector = Selector.open();
        this.thread = Thread.ofPlatform().daemon().name("isns " + name).unstarted(this::run);
    }

    /// Begins to register.
    ///
    /// @param server resolved whenever it is connected to
    /// @param name of the server, for people
    /// @param offers what there is to register where a server is reached from this local address;
    ///   called by a thread of its own; its identifier never changes
    /// @throws IOException when the process is out of descriptors
    public static IsnsClient start(
            InetSocketAddress server, String name, Function<InetAddress, NetworkEntity> offers)
            throws IOException {
        IsnsClient client = new IsnsClient(server, name, offers);
        client.thread.start();
        return client;
    }

    private static String text(IOException trouble) {
        String message = trouble.getMessage();
        return message == null ? trouble.toString() : message;
    }

    private void run() {
        try (selector) {
            registration.start(System.nanoTime());
            while (!registration.ended()) {
                turn();
            }
        } catch (IOException | RuntimeException fault) {
            LOG.error("iSNS client ended; targets are served, and not registered any more", fault);
        } finally {
            wire.hangUp();
        }
    }

    private void turn() throws IOException {
        long idle = registration.idleNanos(System.nanoTime());
        if (idle > 0) {
            selector.select(TimeUnit.NANOSECONDS.toMillis(idle) + 1);
        } else {
            selector.selectNow();
        }
        boolean ready = !selector.selectedKeys().isEmpty();
        selector.selectedKeys().clear();
        if (ready) {
            try {
                wire.ready();
            } catch (MalformedMessageException nonsense) {
                registration.failed(text(nonsense), System.nanoTime());
            } catch (IOException gone) {
                wire.hangUp();
                registration.lost(text(gone), System.nanoTime());
            }
        }
        wire.tellOfTrouble();
        if (changed) {
            changed = false;
            registration.change(System.nanoTime());
        }
        if (stopping) {
            registration.stop(System.nanoTime());
        }
        registration.tick(System.nanoTime());
        wire.tellOfTrouble();
    }

    /// There may be something else to register.
    public void change() {
        changed = true;
        selector.wakeup();
    }

    /// Begins to take back what is registered.
    public void stop() {
        stopping = true;
        selector.wakeup();
    }

    /// How it stands, at once.
    public IsnsStatus status() {
        return registration.status();
    }

    /// Takes back what is registered, and waits for that, but not for long.
    @Override
    public void close() {
        stop();
        try {
            if (!thread.join(CLOSE_LIMIT)) {
                LOG.warn("{} did not end", thread.getName());
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}

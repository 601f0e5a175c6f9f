package io.lunkeeper.target.net;

import static java.util.Objects.requireNonNull;

import io.lunkeeper.target.session.IscsiConnection;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// A listening socket (RFC 7143 2.1 Network Portal). Bound at once, it accepts from [#start] on and
/// spreads connections over the event loops, never by target.
public final class Portal implements AutoCloseable, EventLoop.Ready {
    private static final Logger LOG = LogManager.getLogger(Portal.class);

    /// Connections that are taken in one turn of the loop: what it serves besides has its turn too
    /// while thousands knock.
    private static final int ACCEPTED_PER_TURN = 64;

    /// Failures that are closer together are one trouble, and one line in the log.
    private static final long ONE_TROUBLE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final ServerSocketChannel channel;
    private final List<EventLoop> loops;
    private final SiteFor site;
    private final Admission admission;
    private boolean failed;
    private long lastFailure;

    /// What a connection that came to a local address can reach.
    public interface SiteFor {
        /// What a connection finds that came from `remoteAddress` to `localAddress`, which tells
        /// wildcard listeners apart.
        IscsiConnection.Site connection(SocketAddress localAddress, SocketAddress remoteAddress);
    }

    private Portal(
            ServerSocketChannel channel, List<EventLoop> loops, SiteFor site, Admission admission) {
        this.channel = channel;
        this.loops = loops;
        this.site = site;
        this.admission = admission;
    }

    /// Takes the address.
    ///
    /// @param admission of the whole server
    /// @throws IOException when it cannot be had
    public static Portal bind(
            InetSocketAddress address, List<EventLoop> loops, SiteFor site, Admission admission)
            throws IOException {
        ServerSocketChannel channel = open(address);
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            channel.bind(address, 1024);
            channel.configureBlocking(false);
        } catch (IOException taken) {
            channel.close();
            throw taken;
        }
        return new Portal(channel, loops, site, admission);
    }

    /// Of the family it must be told: a socket for both takes 0.0.0.0 for every IPv6 address too.
    private static ServerSocketChannel open(InetSocketAddress address) throws IOException {
        boolean six = address.getAddress() instanceof Inet6Address;
        try {
            return ServerSocketChannel.open(
                    six ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET);
        } catch (UnsupportedOperationException none) {
            throw new IOException("this machine has no IPv6", none);
        }
    }

    /// Where it listens, with the real port.
    public InetSocketAddress address() throws IOException {
        return (InetSocketAddress) channel.getLocalAddress();
    }

    /// Begins to accept.
    public void start() {
        EventLoop acceptor = loops.getFirst();
        acceptor.execute(() -> {
            try {
                channel.register(acceptor.selector(), SelectionKey.OP_ACCEPT, this);
            } catch (IOException closed) {
                LOG.error("portal does not accept", closed);
            }
        });
    }

    @Override
    public void ready(SelectionKey key) {
        try {
            SocketChannel peer = channel.accept();
            for (int taken = 1; peer != null; taken++) {
                accepted(peer);
                peer = taken < ACCEPTED_PER_TURN ? channel.accept() : null;
            }
        } catch (ClosedChannelException ended) {
            LOG.debug("portal closed", ended);
        } catch (IOException fault) {
            pause(key, fault);
        }
    }

    /// Out of descriptors or of memory for sockets. Whoever knocks would make the selector return
    /// at once, again and again, so nobody is heard until the next tick; the kernel keeps them.
    private void pause(SelectionKey key, IOException fault) {
        EventLoop acceptor = loops.getFirst();
        if (!failed || acceptor.nowNanos() - lastFailure > ONE_TROUBLE_NANOS) {
            LOG.warn(
                    "accept failed: {}; tried again every second, and not logged again until it"
                            + " went well for a minute",
                    fault.getMessage());
        }
        failed = true;
        lastFailure = acceptor.nowNanos();
        admission.paused();
        key.interestOps(0);
        acceptor.atNextTick(() -> {
            if (key.isValid()) {
                key.interestOps(SelectionKey.OP_ACCEPT);
            }
        });
    }

    private void accepted(SocketChannel peer) {
        Admission.Pass pass = admission.admit(from(peer));
        if (pass == null) {
            hangUp(peer);
            return;
        }
        EventLoop loop =
                loops.stream()
                        .min(Comparator.comparingInt(EventLoop::connectionCount))
                        .orElseThrow();
        loop.expectConnection();
        loop.execute(() -> adopt(loop, peer, pass));
    }

    /// Known since it was accepted, whether the peer is still there or not.
    private static InetAddress from(SocketChannel peer) {
        return requireNonNull(peer.socket().getInetAddress());
    }

    private static void hangUp(SocketChannel peer) {
        try {
            peer.close();
        } catch (IOException broken) {
            LOG.debug("close failed", broken);
        }
    }

    private void adopt(EventLoop loop, SocketChannel peer, Admission.Pass pass) {
        try {
            String name = String.valueOf(peer.getRemoteAddress()).replaceFirst("^/", "");
            peer.configureBlocking(false);
            peer.setOption(StandardSocketOptions.TCP_NODELAY, true);
            peer.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            loop.add(new Connection(loop, peer, name, site, pass));
            if (pass.logs()) {
                LOG.info("{}: connected", name);
            }
        } catch (IOException | RuntimeException gone) {
            if (pass.logs()) {
                LOG.info("a peer left before it was served: {}", gone.getMessage());
            }
            loop.remove(null);
            pass.end();
            hangUp(peer);
        }
    }

    /// Stops accepting.
    @Override
    public void close() throws IOException {
        channel.close();
    }
}

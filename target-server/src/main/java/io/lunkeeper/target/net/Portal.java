package io.lunkeeper.target.net;

import io.lunkeeper.target.session.IscsiConnection;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Comparator;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/// A listening socket (RFC 7143 2.1 Network Portal). Bound at once, it accepts from [#start] on and
/// spreads connections over the event loops, never by target.
public final class Portal implements AutoCloseable, EventLoop.Ready {
    private static final Logger LOG = LogManager.getLogger(Portal.class);

    /// Connections of the whole server. Each costs a descriptor and little else while idle.
    static final int MAX_CONNECTIONS = 8192;

    private final ServerSocketChannel channel;
    private final List<EventLoop> loops;
    private final SiteFor site;

    /// What a connection that came to a local address can reach.
    public interface SiteFor {
        /// What a connection finds that came from `remoteAddress` to `localAddress`, which tells
        /// wildcard listeners apart.
        IscsiConnection.Site connection(SocketAddress localAddress, SocketAddress remoteAddress);
    }

    private Portal(ServerSocketChannel channel, List<EventLoop> loops, SiteFor site) {
        this.channel = channel;
        this.loops = loops;
        this.site = site;
    }

    /// Takes the address.
    ///
    /// @throws IOException when it cannot be had
    public static Portal bind(InetSocketAddress address, List<EventLoop> loops, SiteFor site)
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
        return new Portal(channel, loops, site);
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
            for (SocketChannel peer = channel.accept(); peer != null; peer = channel.accept()) {
                accepted(peer);
            }
        } catch (IOException fault) {
            // Out of descriptors, or the peer has gone again: the next one may fare better.
            LOG.warn("accept failed: {}", fault.getMessage());
        }
    }

    private void accepted(SocketChannel peer) throws IOException {
        int connections = loops.stream().mapToInt(EventLoop::connectionCount).sum();
        if (connections >= MAX_CONNECTIONS) {
            LOG.warn("{}: refused, {} connections", peer.getRemoteAddress(), connections);
            peer.close();
            return;
        }
        EventLoop loop =
                loops.stream()
                        .min(Comparator.comparingInt(EventLoop::connectionCount))
                        .orElseThrow();
        loop.expectConnection();
        loop.execute(() -> adopt(loop, peer));
    }

    private void adopt(EventLoop loop, SocketChannel peer) {
        try {
            String name = String.valueOf(peer.getRemoteAddress()).replaceFirst("^/", "");
            peer.configureBlocking(false);
            peer.setOption(StandardSocketOptions.TCP_NODELAY, true);
            peer.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            loop.add(new Connection(loop, peer, name, site));
            LOG.info("{}: connected", name);
        } catch (IOException | RuntimeException gone) {
            LOG.info("a peer left before it was served: {}", gone.getMessage());
            loop.remove(null);
            try {
                peer.close();
            } catch (IOException again) {
                LOG.debug("close failed", again);
            }
        }
    }

    /// Stops accepting.
    @Override
    public void close() throws IOException {
        channel.close();
    }
}

package io.lunkeeper.target.net;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.channels.AlreadyBoundException;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.AbstractSelectableChannel;
import java.nio.channels.spi.AbstractSelectionKey;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/// A socket whose moods are scripted: it gives what the test has put in, and takes a write or
/// refuses it as the test says.
final class ScriptedSocket extends SocketChannel {
    private final ByteBuf inbound = Unpooled.buffer();
    private final ByteBuf taken = Unpooled.buffer();
    private final IntPredicate takes;
    private int writes;
    private int reads;
    private int room;

    /// @param takes whether the write of this number, from 0, is taken
    ScriptedSocket(IntPredicate takes) {
        super(SelectorProvider.provider());
        this.takes = takes;
    }

    /// Bytes for the server to read.
    void put(ByteBuf bytes) {
        inbound.writeBytes(bytes);
    }

    /// How many bytes the server would have taken at its last read.
    int room() {
        return room;
    }

    /// How often the server has tried to read.
    int reads() {
        return reads;
    }

    /// How often the server has tried to write.
    int writes() {
        return writes;
    }

    /// Everything the server has written.
    ByteBuf taken() {
        return taken;
    }

    /// Lets go of the memory that the test itself has in here.
    void forget() {
        inbound.clear().capacity(0);
        taken.clear().capacity(0);
    }

    @Override
    public int read(ByteBuffer destination) {
        reads++;
        room = destination.remaining();
        int length = Math.min(room, inbound.readableBytes());
        int limit = destination.limit();
        inbound.readBytes(destination.limit(destination.position() + length));
        destination.limit(limit);
        return length;
    }

    @Override
    public long read(ByteBuffer[] destinations, int offset, int length) {
        long read = 0;
        for (int i = offset; i < offset + length; i++) {
            read += read(destinations[i]);
        }
        return read;
    }

    @Override
    public int write(ByteBuffer source) {
        return (int) write(new ByteBuffer[] {source}, 0, 1);
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
        if (!takes.test(writes++)) {
            return 0;
        }
        long before = taken.readableBytes();
        for (int i = offset; i < offset + length; i++) {
            taken.writeBytes(sources[i]);
        }
        return taken.readableBytes() - before;
    }

    @Override
    public SocketAddress getLocalAddress() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 3260);
    }

    @Override
    public SocketAddress getRemoteAddress() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 40000);
    }

    @Override
    public boolean isConnected() {
        return isOpen();
    }

    @Override
    public boolean isConnectionPending() {
        return false;
    }

    @Override
    public SocketChannel shutdownInput() {
        return this;
    }

    @Override
    public SocketChannel shutdownOutput() {
        return this;
    }

    @Override
    protected void implCloseSelectableChannel() {
        inbound.clear();
    }

    @Override
    protected void implConfigureBlocking(boolean block) {
        assert !block;
    }

    @Override
    public SocketChannel bind(SocketAddress local) {
        throw new AlreadyBoundException();
    }

    @Override
    public <T> SocketChannel setOption(SocketOption<T> name, T value) {
        throw new AssertionError("a connection leaves options to the portal: " + name);
    }

    @Override
    public <T> T getOption(SocketOption<T> name) {
        throw new AssertionError("a connection leaves options to the portal: " + name);
    }

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return Set.of();
    }

    @Override
    public Socket socket() {
        throw new AssertionError("there is a channel and nothing else");
    }

    @Override
    public boolean connect(SocketAddress remote) {
        throw new AlreadyConnectedException();
    }

    @Override
    public boolean finishConnect() {
        return true;
    }

    /// A selector that never waits: the test says which key is ready.
    static final class Keys extends AbstractSelector {
        private static final Set<SelectionKey> NONE = Set.of();

        private Set<SelectionKey> ready = NONE;
        private int asked;

        Keys() {
            super(SelectorProvider.provider());
        }

        /// From now on these are ready whenever it is asked.
        void ready(Set<SelectionKey> keys) {
            ready = keys;
        }

        /// How often it was asked what is ready.
        int asked() {
            return asked;
        }

        @Override
        protected SelectionKey register(AbstractSelectableChannel channel, int ops, Object owner) {
            Key key = new Key(channel, this);
            key.attach(owner);
            return key.interestOps(ops);
        }

        @Override
        protected void implCloseSelector() {
            cancelledKeys().clear();
        }

        @Override
        public Set<SelectionKey> keys() {
            return NONE;
        }

        @Override
        public Set<SelectionKey> selectedKeys() {
            return NONE;
        }

        @Override
        public int selectNow() {
            return 0;
        }

        @Override
        public int select(long timeoutMillis) {
            return 0;
        }

        @Override
        public int select() {
            return 0;
        }

        @Override
        public int select(Consumer<SelectionKey> action, long timeoutMillis) {
            return selectNow(action);
        }

        @Override
        public int selectNow(Consumer<SelectionKey> action) {
            asked++;
            ready.forEach(action);
            return ready.size();
        }

        @Override
        public Selector wakeup() {
            return this;
        }
    }

    private static final class Key extends AbstractSelectionKey {
        private final AbstractSelectableChannel channel;
        private final Selector selector;
        private int interest;

        Key(AbstractSelectableChannel channel, Selector selector) {
            this.channel = channel;
            this.selector = selector;
        }

        @Override
        public AbstractSelectableChannel channel() {
            return channel;
        }

        @Override
        public Selector selector() {
            return selector;
        }

        @Override
        public int interestOps() {
            return interest;
        }

        @Override
        public SelectionKey interestOps(int ops) {
            interest = ops;
            return this;
        }

        /// Everything one waits for is always so.
        @Override
        public int readyOps() {
            return interest;
        }
    }
}

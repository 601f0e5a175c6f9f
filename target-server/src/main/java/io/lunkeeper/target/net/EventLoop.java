package io.lunkeeper.target.net;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// One thread, one selector, many connections. A turn: wait for sockets or work from elsewhere,
/// serve the sockets, do the work, then let every connection that has something to say write it in
/// one gathering write.
///
/// [#execute] may be called from any thread and is the only way in; everything else belongs to the
/// loop's own thread.
public final class EventLoop implements Executor, AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(EventLoop.class);

    /// How often connections are asked whether their time is up.
    private static final long TICK_MILLIS = 1000;

    /// How many turns in a row may serve one connection without a look at the others.
    private static final int MOST_TURNS_UNASKED = 8;

    private final Selector selector;
    private final Thread thread;
    private final Queue<Runnable> work = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean awake = new AtomicBoolean(true);
    private final AtomicInteger connectionCount = new AtomicInteger();
    private final Set<Connection> connections = new LinkedHashSet<>();
    private final ArrayDeque<Connection> unflushed = new ArrayDeque<>();
    private final ArrayDeque<Runnable> nextTick = new ArrayDeque<>();
    private final SpinPolicy spin;
    private final Consumer<SelectionKey> serve = this::serve;
    private boolean servesOne = true;

    /// What alone was ready when the selector was asked last, if that is so.
    private @Nullable Connection alone;

    private int turnsUnasked;
    private int pdus;
    private long nowNanos = System.nanoTime();
    private long lastTick = nowNanos;
    private volatile boolean closing;

    /// A loop that is not running yet.
    ///
    /// @param name of its thread
    /// @param maySpin whether it may poll for a moment before it blocks
    public EventLoop(String name, boolean maySpin) throws IOException {
        this(name, maySpin, Selector.open());
    }

    EventLoop(String name, boolean maySpin, Selector selector) {
        this.selector = selector;
        this.spin = new SpinPolicy(maySpin);
        this.thread = Thread.ofPlatform().name(name).unstarted(this::run);
    }

    /// Starts the thread.
    public void start() {
        thread.start();
    }

    /// Runs `task` on this loop's thread, after the sockets of its turn.
    @Override
    public void execute(Runnable task) {
        work.add(task);
        if (!awake.get() && awake.compareAndSet(false, true)) {
            selector.wakeup();
        }
    }

    /// Connections that live here: for spreading them.
    int connectionCount() {
        return connectionCount.get();
    }

    Selector selector() {
        return selector;
    }

    /// Whether at most one connection had something to say in the last turn.
    boolean servesOne() {
        return servesOne;
    }

    /// The time of this turn.
    long nowNanos() {
        return nowNanos;
    }

    /// Counts a connection that is on its way here, from any thread.
    void expectConnection() {
        connectionCount.incrementAndGet();
    }

    /// An expected connection has arrived.
    void add(Connection connection) {
        connections.add(connection);
    }

    /// A connection has gone, or an expected one (null) never came.
    void remove(@Nullable Connection connection) {
        connections.remove(connection);
        alone = null;
        connectionCount.decrementAndGet();
    }

    /// Runs `task` when connections are asked next, once: within a second.
    void atNextTick(Runnable task) {
        nextTick.add(task);
    }

    /// A connection goes on elsewhere.
    void forget(Connection connection) {
        unflushed.remove(connection);
        remove(connection);
    }

    /// A PDU has come in.
    void received() {
        pdus++;
    }

    /// The connection has bytes to write at the end of this turn.
    void flushLater(Connection connection) {
        unflushed.add(connection);
    }

    private void run() {
        while (!closing) {
            try {
                turn();
            } catch (IOException | RuntimeException | Error fault) {
                // A selector that fails, or a bug outside any connection: the others go on.
                LOG.error("event loop turn failed", fault);
            }
        }
        for (Connection each : Set.copyOf(connections)) {
            each.disconnect("server stopped");
        }
        doWork();
        closeSelector();
    }

    private void closeSelector() {
        try {
            selector.close();
        } catch (IOException fault) {
            LOG.warn("selector did not close", fault);
        }
    }

    /// Waits for sockets or work, does what there is and writes what comes of it.
    void turn() throws IOException {
        await();
        doWork();
        if (nowNanos - lastTick >= TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS)) {
            lastTick = nowNanos;
            tick();
        }
        flush();
    }

    private void tick() {
        for (Connection each : Set.copyOf(connections)) {
            each.tick();
        }
        for (int left = nextTick.size(); left > 0; left--) {
            nextTick.remove().run();
        }
    }

    /// Writes what the turn has left to say. A connection that has more to say after it has written
    /// waits for the next turn: others have theirs in between.
    void flush() {
        servesOne = unflushed.size() <= 1;
        for (int left = unflushed.size(); left > 0; left--) {
            unflushed.remove().flush();
        }
    }

    /// Serves sockets that are ready, after waiting for one or for work.
    private void await() throws IOException {
        boolean onePdu = pdus == 1;
        long budget = spin.budgetNanos(pdus);
        pdus = 0;
        if ((budget == 0 && servedUnasked()) || served()) {
            return;
        }
        long since = System.nanoTime();
        boolean found = budget > 0 && servedWithin(since, budget);
        if (!found) {
            block();
            nowNanos = System.nanoTime();
        }
        if (onePdu) {
            spin.waited(nowNanos - since, budget > 0, found);
        }
    }

    /// Whether the one that has just been served has sent more. Mostly it has, while its answers
    /// were written, and then reading at once spares asking.
    private boolean servedUnasked() {
        Connection again = alone;
        if (again == null || turnsUnasked == MOST_TURNS_UNASKED || !again.readMore()) {
            return false;
        }
        turnsUnasked++;
        nowNanos = System.nanoTime();
        return true;
    }

    private void block() throws IOException {
        awake.set(false);
        if (work.isEmpty()) {
            ask(TICK_MILLIS);
        }
        awake.set(true);
    }

    /// Whether there was something to do at once.
    private boolean served() throws IOException {
        boolean something = ask(0) > 0 || !work.isEmpty() || !unflushed.isEmpty();
        if (something) {
            nowNanos = System.nanoTime();
        }
        return something;
    }

    /// Serves what is ready.
    private int ask(long waitMillis) throws IOException {
        alone = null;
        turnsUnasked = 0;
        int ready =
                waitMillis == 0 ? selector.selectNow(serve) : selector.select(serve, waitMillis);
        if (ready != 1) {
            alone = null;
        }
        return ready;
    }

    private boolean servedWithin(long since, long budgetNanos) throws IOException {
        do {
            if (served()) {
                return true;
            }
            Thread.onSpinWait();
        } while (System.nanoTime() - since < budgetNanos);
        return false;
    }

    private void serve(SelectionKey key) {
        if (key.attachment() instanceof Ready ready) {
            alone = ready instanceof Connection connection ? connection : null;
            ready.ready(key);
        }
    }

    private void doWork() {
        for (@Nullable Runnable task = work.poll(); task != null; task = work.poll()) {
            try {
                task.run();
            } catch (RuntimeException | Error bug) {
                LOG.error("work on the event loop failed", bug);
            }
        }
    }

    /// Closes every connection and ends the thread; waits for it.
    @Override
    public void close() {
        closing = true;
        selector.wakeup();
        if (thread.getState() == Thread.State.NEW) {
            closeSelector();
            return;
        }
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException again) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// What a selection key's attachment does when its channel is ready.
    interface Ready {
        void ready(SelectionKey key);
    }
}

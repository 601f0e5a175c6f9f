package io.lunkeeper.target.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.lunkeeper.lun.Allocation;
import io.lunkeeper.lun.CacheMode;
import io.lunkeeper.lun.LunBackend;
import io.lunkeeper.lun.LunSpec;
import io.lunkeeper.target.login.NegotiationLimits;
import io.lunkeeper.target.login.OneTarget;
import io.lunkeeper.target.login.TargetDirectory;
import io.lunkeeper.target.scsi.DeviceServer;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/// A target with two units on real images, and initiators that talk to it by PDUs without a socket.
/// The loop of all sessions is the test's thread: work for it is done when the test says so, so the
/// test decides what meets what.
final class SessionRig implements AutoCloseable {
    static final String TARGET = "iqn.2026-11.io.lunkeeper:test";
    static final String KEEPING = "InitialR2T=No\0ImmediateData=Yes\0";
    private static final String EAGER = KEEPING + "DefaultTime2Retain=0\0";
    static final String PATIENT = "InitialR2T=Yes\0ImmediateData=No\0DefaultTime2Retain=0\0";
    static final int SECONDS = 20;

    private final LinkedBlockingQueue<Runnable> loop = new LinkedBlockingQueue<>();
    private final ArrayDeque<Runnable> nextTick = new ArrayDeque<>();
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
    private final List<LunBackend> backends = new ArrayList<>();
    private final SessionRegistry registry = new SessionRegistry();
    private final DeviceServer device;
    private final TargetNode target;
    private int names;

    SessionRig(Path directory) throws IOException {
        this(directory, CacheMode.WRITE_BACK);
    }

    SessionRig(Path directory, CacheMode cacheMode) throws IOException {
        List<DeviceServer.LogicalUnitSpec> units = new ArrayList<>();
        for (int lun = 0; lun < 2; lun++) {
            LunSpec spec =
                    new LunSpec(
                            directory.resolve("image" + lun),
                            OptionalLong.of(16 << 20),
                            Allocation.SPARSE,
                            cacheMode,
                            512,
                            false);
            LunBackend backend = LunBackend.open(spec);
            backends.add(backend);
            units.add(new DeviceServer.LogicalUnitSpec(lun, backend, 512, 4096, Optional.empty()));
        }
        device = new DeviceServer(TARGET, units);
        target = new TargetNode(device);
    }

    DeviceServer device() {
        return device;
    }

    /// A connection to it that was accepted just now.
    IscsiConnection connect(Transport below) {
        return connect(below, new OneTarget(TARGET));
    }

    /// The same at a portal where other things may be found.
    IscsiConnection connect(Transport below, TargetDirectory directory) {
        return new IscsiConnection(
                below,
                new IscsiConnection.Site(
                        registry,
                        Map.of(TARGET, target)::get,
                        directory,
                        NegotiationLimits.DEFAULT,
                        new FailedLogins().from(InetAddress.getLoopbackAddress())),
                0);
    }

    /// What sends and receives uses.
    ByteBufAllocator allocator() {
        return allocator;
    }

    /// What is below a connection of an initiator.
    LoopTransport transport(String initiatorName) {
        return new LoopTransport(allocator, loop::add, nextTick, initiatorName);
    }

    /// Gives the loop something to do.
    void execute(Runnable work) {
        loop.add(work);
    }

    /// Gives the loop something to do when a second has passed.
    void atNextTick(Runnable work) {
        nextTick.add(work);
    }

    /// How many sessions are alive.
    int sessions() {
        return registry.sessions().size();
    }

    TargetNode target() {
        return target;
    }

    /// The sessions that are alive.
    List<SessionRegistry.Entry> entries() {
        return registry.sessions();
    }

    /// Does what the loop has to do, until there is nothing more at once.
    void turn() {
        for (Runnable work = loop.poll(); work != null; work = loop.poll()) {
            work.run();
        }
    }

    /// A second passes, for sessions that wait for their connections.
    void second() {
        for (int left = nextTick.size(); left > 0; left--) {
            nextTick.remove().run();
        }
        turn();
    }

    /// Lets the loop do its work, one thing at a time, until something is so.
    void turnUntil(BooleanSupplier so) throws InterruptedException {
        while (!so.getAsBoolean()) {
            Runnable work = loop.poll(SECONDS, TimeUnit.SECONDS);
            assertNotNull(work, "nothing comes any more");
            work.run();
        }
    }

    /// Waits a moment for something to do, and does it.
    void turnOnce() throws InterruptedException {
        Runnable work = loop.poll(100, TimeUnit.MILLISECONDS);
        if (work != null) {
            work.run();
        }
    }

    /// Off-heap bytes that tasks hold.
    long heldBytes() {
        return allocator.metric().usedDirectMemory();
    }

    /// Ends all sessions.
    void endSessions() {
        target.end("over", () -> {});
        turn();
        assertEquals(List.of(), entries());
    }

    /// Closes, and finds that the tasks have left nothing behind.
    void closeEmpty() throws IOException {
        turn();
        assertEquals(0, heldBytes(), "bytes left behind");
        close();
    }

    @Override
    public void close() throws IOException {
        for (LunBackend backend : backends) {
            backend.close();
        }
    }

    /// Logs in one that sends data unasked, up to 256 KiB of it, and hears out unit attentions.
    Initiator login() throws Exception {
        return login(EAGER);
    }

    /// Logs in one that may have up to eight connections.
    Initiator loginForSeveral() throws Exception {
        return login(EAGER + "MaxConnections=8\0");
    }

    /// Logs in one that waits until it is asked for data.
    Initiator loginPatient() throws Exception {
        return login(PATIENT);
    }

    /// Logs in one with these keys.
    Initiator login(String keys) throws Exception {
        Initiator initiator = new Initiator(this, "iqn.2026-11.a:i" + names++);
        initiator.login(keys);
        for (int lun = 0; lun < 2; lun++) {
            assertEquals(2, initiator.await(initiator.testUnit(lun)).status());
        }
        return initiator;
    }

    /// Sets the Control mode page of unit 0 by an initiator that then leaves, and has the others
    /// hear of it.
    ///
    /// @param taskSetType Task Set Type, in its place in byte 2
    /// @param onError Queue Error Management, in its place in byte 3
    /// @param abortedStatus Task Aborted Status, in its place in byte 5
    void control(int taskSetType, int onError, int abortedStatus, Initiator... others)
            throws Exception {
        Initiator manager = login();
        manager.selectControl(taskSetType, onError, abortedStatus);
        for (Initiator each : others) {
            each.await(each.testUnit(0));
        }
        manager.disconnect();
        turn();
    }

    /// [Initiator#LENGTH] bytes of one value.
    static byte[] filled(int value) {
        byte[] data = new byte[Initiator.LENGTH];
        Arrays.fill(data, (byte) value);
        return data;
    }

    /// Bytes without a pattern, the same ones for the same length.
    static byte[] random(int length) {
        byte[] data = new byte[length];
        new Random(7).nextBytes(data);
        return data;
    }
}

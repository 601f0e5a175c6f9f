package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBufUtil;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A third-party copy as RECEIVE COPY RESULTS tells of it, and as COPY OPERATION ABORT ends it.
/// Changed by one thread at a time, read and aborted by any.
final class CopyOperation {
    private final Origin origin;
    private final long beganNanos = System.nanoTime();
    private volatile @Nullable RodToken token;
    private volatile Progress progress = new Progress(State.RUNNING, 0, 0, 0, Outcome.Status.GOOD);
    private volatile boolean aborting;

    /// Who waits for the end. Guarded by this.
    private final List<Runnable> endListeners = new ArrayList<>(0);

    CopyOperation(Origin origin) {
        this.origin = origin;
    }

    /// The command that began it.
    ///
    /// @param unit the one that has the command
    /// @param background whether the copy goes on after the status of the command (IMMED)
    /// @param wantedBytes what a command with tokens asks for; 0: it has segments
    record Origin(OperationCode command, LogicalUnit unit, boolean background, long wantedBytes) {
        boolean hasSegments() {
            return wantedBytes == 0;
        }
    }

    /// How far a copy is.
    enum State {
        RUNNING,
        COMPLETED,
        FAILED,
        ABORTED
    }

    /// How far it is, at one moment.
    ///
    /// @param pieces what has been moved at a time
    /// @param segments descriptors that have been begun
    /// @param bytes what has been copied
    /// @param ending what the command ended with, or would have, once it has
    record Progress(State state, int pieces, int segments, long bytes, Outcome.Status ending) {
        byte[] sense() {
            return ByteBufUtil.getBytes(ending.sense());
        }

        Progress as(State next, Outcome.Status status) {
            return new Progress(next, pieces, segments, bytes, status);
        }
    }

    Origin origin() {
        return origin;
    }

    /// A token was made, which stands for so many bytes.
    void made(RodToken made, long bytes) {
        token = made;
        copied(bytes);
    }

    /// The token that was made; empty: none.
    byte[] token() {
        RodToken made = token;
        return made == null ? new byte[0] : made.bytes();
    }

    Progress progress() {
        return progress;
    }

    boolean running() {
        return progress.state == State.RUNNING;
    }

    /// How long ago it began.
    long ageNanos() {
        return System.nanoTime() - beganNanos;
    }

    /// A piece was moved.
    void copied(long bytes) {
        Progress now = progress;
        progress =
                new Progress(
                        now.state, now.pieces + 1, now.segments, now.bytes + bytes, now.ending);
    }

    void segmentBegun() {
        Progress now = progress;
        progress = new Progress(now.state, now.pieces, now.segments + 1, now.bytes, now.ending);
    }

    void ended(Outcome.Status status) {
        boolean good = status.status() == Outcome.Status.GOOD.status();
        end(good ? State.COMPLETED : State.FAILED, status);
    }

    void aborted() {
        end(State.ABORTED, LogicalUnit.taskAborted());
    }

    private void end(State state, Outcome.Status status) {
        List<Runnable> told;
        synchronized (this) {
            progress = progress.as(state, status);
            told = List.copyOf(endListeners);
            endListeners.clear();
        }
        told.forEach(Runnable::run);
    }

    /// Ends it before its time: a piece that has not begun does not begin any more.
    ///
    /// @param whenEnded called once nothing of it runs any more: at once, or on an I/O thread,
    ///   which must not be blocked
    void abort(Runnable whenEnded) {
        aborting = true;
        synchronized (this) {
            if (running()) {
                endListeners.add(whenEnded);
                return;
            }
        }
        whenEnded.run();
    }

    /// Whether it is to end before its time.
    boolean aborting() {
        return aborting;
    }
}

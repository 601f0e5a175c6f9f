package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBufUtil;
import org.jspecify.annotations.Nullable;

/// A third-party copy as RECEIVE COPY RESULTS tells of it. Changed by one thread at a time, read by
/// any.
final class CopyOperation {
    private final int serviceAction;
    private volatile @Nullable RodToken token;
    private volatile Progress progress = new Progress(State.RUNNING, 0, 0, Outcome.Status.GOOD);

    /// @param serviceAction of the command that began it
    CopyOperation(int serviceAction) {
        this.serviceAction = serviceAction;
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
    /// @param segments descriptors that have been processed
    /// @param bytes what has been copied
    /// @param ending what the command ended with, once it has
    record Progress(State state, int segments, long bytes, Outcome.Status ending) {
        byte[] sense() {
            return ByteBufUtil.getBytes(ending.sense());
        }

        Progress as(State next, Outcome.Status status) {
            return new Progress(next, segments, bytes, status);
        }
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

    int serviceAction() {
        return serviceAction;
    }

    Progress progress() {
        return progress;
    }

    boolean running() {
        return progress.state == State.RUNNING;
    }

    void copied(long bytes) {
        Progress now = progress;
        progress = new Progress(now.state, now.segments, now.bytes + bytes, now.ending);
    }

    void segmentProcessed() {
        Progress now = progress;
        progress = new Progress(now.state, now.segments + 1, now.bytes, now.ending);
    }

    void ended(Outcome.Status status) {
        boolean good = status.status() == Outcome.Status.GOOD.status();
        progress = progress.as(good ? State.COMPLETED : State.FAILED, status);
    }

    void aborted() {
        progress = progress.as(State.ABORTED, Outcome.Status.GOOD);
    }
}

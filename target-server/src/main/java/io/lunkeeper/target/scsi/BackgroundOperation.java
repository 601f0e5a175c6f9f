package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/// The one operation that has a logical unit's whole medium to itself: formatting it, or a sanitize
/// operation (SBC-3 4.11 Sanitize operations). States: none, running, failed.
///
/// It belongs to the image and to nobody's task: no abort and no reset ends it. Before the first
/// block is touched it is on stable storage beside the image, and until the last block is on stable
/// storage too, so after a restart, `kill -9` included, it goes on or is in its failure mode; never
/// is a medium served of which a part is erased.
///
/// It runs on the unit's I/O threads in steps, as one of many who want these, and ends with them
/// when the unit is closed. Safe from any thread; who has no operation costs a command one volatile
/// read.
final class BackgroundOperation {
    private static final Logger LOG = LogManager.getLogger(BackgroundOperation.class);

    private static final String SECTION = "erasing";
    private static final String STATE = "state";
    private static final String RUNNING = "running";
    private static final String FAILED = "failed";

    /// What is erased before another's turn on the thread: some milliseconds.
    private static final long STEP_BYTES = 16L << 20;

    /// What is written at a time.
    private static final int PIECE_BYTES = 1 << 20;

    /// What may be written before it must be on stable storage, so that memory does not fill with
    /// it and the progress told is true.
    private static final long UNFLUSHED_BYTES = 256L << 20;

    /// PROGRESS INDICATION counts to this (SPC-4 4.5.2.4.4 Progress indication).
    private static final int PROGRESS_END = 1 << 16;

    private final LunBackend backend;
    private final int blockSizeBytes;
    private volatile @Nullable State state;

    private sealed interface State {
        EraseJob job();
    }

    /// Whoever waits for the end.
    private interface Watcher {
        void ended(@Nullable Sense failure);
    }

    private record Failed(EraseJob job) implements State {}

    /// Changed by one thread at a time, each after the other.
    private static final class Running implements State {
        private final EraseJob job;

        /// Whether it has ended, and with what failure. Guarded by this, as the next.
        private boolean over;

        private @Nullable Sense failedBy;
        private @Nullable Watcher watcher;

        private int pass;
        private long position;
        private long unflushed;
        private @Nullable IOException failure;
        private volatile int progress;

        Running(EraseJob job) {
            this.job = job;
        }

        @Override
        public EraseJob job() {
            return job;
        }

        /// Tells the one who waits how it ended, perhaps at once.
        synchronized void watch(Watcher waiting) {
            watcher = waiting;
            if (over) {
                waiting.ended(failedBy);
            }
        }

        synchronized void ended(@Nullable Sense failure) {
            over = true;
            failedBy = failure;
            if (watcher != null) {
                watcher.ended(failure);
            }
        }

        Sense sense() {
            return job.inProgress().progressing(progress);
        }
    }

    /// The operation of a logical unit, which goes on if it was running when the unit was served
    /// last.
    ///
    /// @throws IOException when what is kept beside the image cannot be understood: nobody knows
    ///   then whether a part of the medium is erased
    BackgroundOperation(LunBackend backend, int blockSizeBytes) throws IOException {
        this.backend = backend;
        this.blockSizeBytes = blockSizeBytes;
        Map<String, String> kept = backend.keptBeside(SECTION);
        if (kept.isEmpty()) {
            return;
        }
        try {
            resume(EraseJob.of(kept), FAILED.equals(kept.get(STATE)));
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    backend.placeBeside()
                            + " does not tell how the image was being erased ("
                            + e.getMessage()
                            + ")",
                    e);
        }
    }

    private void resume(EraseJob job, boolean failed) {
        backend.erasure().begin();
        if (failed || backend.readOnly()) {
            LOG.error("{}: {} has failed and must be repeated", backend.placeBeside(), job);
            state = new Failed(job);
            return;
        }
        LOG.warn("{}: {} was interrupted and begins anew", backend.placeBeside(), job);
        Running running = new Running(job);
        state = running;
        start(running);
    }

    /// Why a command may not run now; null when it may. INQUIRY, REPORT LUNS and REQUEST SENSE
    /// always may, and after a failure what repeats the operation, and what lets somebody do so
    /// where it is lost who has reserved the unit.
    @Nullable Sense refusal(OperationCode operation) {
        State now = state;
        if (now == null || operation.passesUnitAttention()) {
            return null;
        }
        return switch (now) {
            case Running running -> running.sense();
            case Failed(EraseJob job) -> leadsOut(operation, job) ? null : job.afterFailure();
        };
    }

    private static boolean leadsOut(OperationCode operation, EraseJob failed) {
        return operation.operationCode() == OperationCode.SANITIZE_OVERWRITE.operationCode()
                || (operation == OperationCode.FORMAT_UNIT && !failed.sanitizes())
                || operation == OperationCode.PERSISTENT_RESERVE_OUT_REPLACE_LOST_RESERVATION;
    }

    /// What REQUEST SENSE tells (SPC-4 5.12 Pollable sense data); nothing without an operation.
    Optional<Sense> pollable() {
        return switch (state) {
            case null -> Optional.empty();
            case Running running -> Optional.of(running.sense());
            case Failed(EraseJob job) -> Optional.of(job.afterFailure());
        };
    }

    /// Begins an operation. May block.
    ///
    /// @param immediate whether the status is not that of its end (IMMED)
    /// @throws IOException when it could not be kept beside the image; no block was touched
    Outcome begin(LogicalUnit unit, EraseJob job, boolean immediate) throws IOException {
        Running running = new Running(job);
        State before;
        synchronized (this) {
            before = state;
            if (before instanceof Running other) {
                return unit.refuse(other.sense());
            }
            state = running;
        }
        backend.erasure().begin();
        try {
            keep(job, RUNNING);
        } catch (IOException e) {
            withdraw(before);
            throw e;
        }
        LOG.info("{}: {} begins", backend.placeBeside(), job);
        start(running);
        return immediate
                ? Outcome.Status.GOOD
                : new Outcome.Watching(then ->
                        running.watch(failure ->
                                then.resume(
                                        failure == null
                                                ? Outcome.Status.GOOD
                                                : unit.refuse(failure))));
    }

    /// What was not kept must not be found after a restart.
    private void withdraw(@Nullable State before) {
        try {
            if (before == null) {
                backend.keepBeside(SECTION, Map.of());
            } else {
                keep(before.job(), FAILED);
            }
        } catch (IOException again) {
            LOG.error(
                    "{} may say that the image is being erased, which it is not",
                    backend.placeBeside(),
                    again);
        }
        if (before == null) {
            backend.erasure().end();
        }
        state = before;
    }

    /// SBC-3, SANITIZE command, EXIT FAILURE MODE service action. May block.
    ///
    /// @return whether there is no failure any more
    synchronized boolean exitFailureMode() throws IOException {
        State now = state;
        if (now instanceof Failed(EraseJob job)) {
            if (!job.sanitizes() || !job.unrestrictedExit()) {
                return false;
            }
            backend.keepBeside(SECTION, Map.of());
            backend.erasure().end();
            state = null;
        }
        return true;
    }

    /// Whether a failed sanitize operation can only be left by one that succeeds.
    boolean restricted() {
        return state instanceof Failed(EraseJob job) && job.sanitizes() && !job.unrestrictedExit();
    }

    private void keep(EraseJob job, String as) throws IOException {
        Map<String, String> text = new HashMap<>(job.text());
        text.put(STATE, as);
        backend.keepBeside(SECTION, text);
    }

    // ---- from step to step

    /// First what was written before goes to the disk, as space is still taken for it then, and
    /// would be after it was given back.
    private void start(Running running) {
        flush(running);
    }

    private void proceed(Running running) {
        try {
            backend.ioThreads().execute(() -> run(running));
        } catch (RejectedExecutionException closed) {
            LOG.info("{}: {} goes on at the next start", backend.placeBeside(), running.job);
        }
    }

    private void run(Running running) {
        try {
            step(running);
        } catch (IOException e) {
            fail(running, e);
        } catch (RuntimeException | Error bug) {
            fail(running, new IOException("internal error", bug));
            throw bug;
        }
    }

    /// The size is asked for each time: the image may grow meanwhile.
    private void step(Running running) throws IOException {
        if (running.failure != null) {
            throw running.failure;
        }
        long size = backend.sizeBytes();
        long length = Math.min(STEP_BYTES, size - running.position);
        if (length > 0) {
            erase(running, length);
            running.position += length;
            running.unflushed += length;
            double done = running.pass + (double) running.position / size;
            int progress = (int) (PROGRESS_END * done / running.job.passes());
            running.progress = Math.min(progress, PROGRESS_END - 1);
            if (running.unflushed < UNFLUSHED_BYTES && running.position < size) {
                proceed(running);
            } else {
                flush(running);
            }
        } else if (++running.pass < running.job.passes()) {
            running.position = 0;
            proceed(running);
        } else {
            finish(running);
        }
    }

    private void erase(Running running, long length) throws IOException {
        if (!running.job.overwrites()) {
            backend.erasure().clear(running.position, length);
            return;
        }
        byte[] block = running.job.block(running.pass, blockSizeBytes);
        ByteBuf piece = RepeatedBlock.of(block, (int) Math.min(PIECE_BYTES, length));
        try {
            for (long done = 0; done < length; done += PIECE_BYTES) {
                int bytes = (int) Math.min(PIECE_BYTES, length - done);
                backend.erasure().overwrite(running.position + done, piece.slice(0, bytes));
            }
        } finally {
            piece.release();
        }
    }

    private void flush(Running running) {
        running.unflushed = 0;
        backend.flush(failure -> {
            running.failure = failure;
            proceed(running);
        });
    }

    private void finish(Running running) throws IOException {
        backend.keepBeside(SECTION, Map.of());
        backend.erasure().end();
        state = null;
        LOG.info("{}: {} has ended", backend.placeBeside(), running.job);
        running.ended(null);
    }

    /// The unit stays closed to all but what repeats the operation.
    private void fail(Running running, IOException failure) {
        LOG.error("{}: {} failed", backend.placeBeside(), running.job, failure);
        state = new Failed(running.job);
        try {
            keep(running.job, FAILED);
        } catch (IOException e) {
            LOG.error("{}: it will begin anew after a restart", backend.placeBeside(), e);
        }
        running.ended(running.job.failed());
    }
}

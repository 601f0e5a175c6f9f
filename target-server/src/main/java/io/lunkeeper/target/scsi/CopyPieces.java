package io.lunkeeper.target.scsi;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/// The pieces of copies that are under way in one target, whichever logical unit has the command:
/// who aborts the tasks of a unit must also wait for pieces that come to it from elsewhere. Safe
/// from any thread.
final class CopyPieces {
    /// Guarded by this, as the next.
    private final Set<Piece> running = new HashSet<>();

    private final List<Waiter> waiters = new ArrayList<>();

    /// A piece that is under way.
    final class Piece implements AutoCloseable {
        /// It has ended.
        @Override
        public void close() {
            end(this);
        }
    }

    /// @param left the pieces that have not ended yet
    private record Waiter(Set<Piece> left, Runnable then) {}

    /// A piece begins.
    synchronized Piece begin() {
        Piece piece = new Piece();
        running.add(piece);
        return piece;
    }

    private void end(Piece piece) {
        List<Runnable> released = new ArrayList<>(0);
        synchronized (this) {
            running.remove(piece);
            for (Iterator<Waiter> each = waiters.iterator(); each.hasNext(); ) {
                Waiter waiter = each.next();
                waiter.left.remove(piece);
                if (waiter.left.isEmpty()) {
                    released.add(waiter.then);
                    each.remove();
                }
            }
        }
        released.forEach(Runnable::run);
    }

    /// Goes on when every piece that has begun has ended: at once, or on the thread of the last.
    ///
    /// @param then must not block
    void whenEnded(Runnable then) {
        synchronized (this) {
            if (!running.isEmpty()) {
                waiters.add(new Waiter(new HashSet<>(running), then));
                return;
            }
        }
        then.run();
    }
}

package io.lunkeeper.target;

import io.lunkeeper.target.session.Session;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Sessions that are asked to log out, and how long that is waited for. Used by one thread, which
/// may be kept waiting; event loops are not.
final class Farewell {
    /// The time initiators have. Those that know the request log out as soon as they have it.
    static final int LOGOUT_SECONDS = 5;

    private final CountDownLatch alive;

    /// Asks them all at once.
    ///
    /// @param reason for the log, of those that cannot be asked
    Farewell(List<Session> sessions, String reason) {
        alive = new CountDownLatch(sessions.size());
        sessions.forEach(each -> each.requestLogout(LOGOUT_SECONDS, reason, alive::countDown));
    }

    /// Waits as long as initiators have time.
    ///
    /// @return whether all sessions have ended
    boolean awaitLogouts() {
        return awaitEnds(LOGOUT_SECONDS) == 0;
    }

    /// Waits until all sessions have ended, and returns how many have not.
    long awaitEnds(long seconds) {
        try {
            return alive.await(seconds, TimeUnit.SECONDS) ? 0 : alive.getCount();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return alive.getCount();
        }
    }
}

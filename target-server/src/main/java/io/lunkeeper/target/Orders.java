package io.lunkeeper.target;

/// What the administrator wants of a server while it runs: that it reads its configuration again,
/// or that it ends. Given from any thread, taken by one.
final class Orders {
    private boolean stop;
    private boolean reload;

    /// An order to carry out.
    enum Order {
        RELOAD,
        STOP
    }

    /// Wants the end; it comes before all other orders, and is for good.
    synchronized void stop() {
        stop = true;
        notifyAll();
    }

    /// Wants the configuration to be read again. Wanted twice before it was done, it is done once.
    synchronized void reload() {
        reload = true;
        notifyAll();
    }

    /// Whether the end is wanted; ends long work early.
    synchronized boolean stopping() {
        return stop;
    }

    /// Waits for an order. Whoever interrupts the waiting thread wants the end as well.
    synchronized Order next() {
        try {
            while (!stop && !reload) {
                wait();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            stop = true;
        }
        if (stop) {
            return Order.STOP;
        }
        reload = false;
        return Order.RELOAD;
    }
}

package io.lunkeeper.lun.linux;

/// What the operating system knows of the calling thread.
public final class CurrentThread {
    private static final int PRIO_PROCESS = 0;

    /// A tenth of the share that others get of a processor that both want.
    private static final int NICE = 10;

    private CurrentThread() {}

    /// Lets others go first when there are not enough processors, from now on. A hint: where it
    /// cannot be, nothing happens.
    public static void yieldToOthers() {
        if (LinuxFile.SUPPORTED) {
            // On Linux the priority is a thread's, and 0 the calling one.
            SystemCalls.setpriority(PRIO_PROCESS, 0, NICE);
        }
    }
}

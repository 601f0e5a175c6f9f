package io.lunkeeper.target;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/// SIGHUP as daemons take it: an order to read the configuration again, not an end.
///
/// The one way that Java offers is `sun.misc.Signal`, a supported class (JEP 260) whose every
/// mention in source is a warning that cannot be turned off; so it is named at run time only.
final class HangUp {
    private HangUp() {}

    /// Has `action` run on a thread of its own at every SIGHUP from now on.
    ///
    /// @return false when there will be none: whoever started this process had the signal ignored,
    ///   which Java respects
    /// @throws IllegalStateException when this Java does not have signals, or was started with -Xrs
    static boolean handle(Runnable action) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            MethodHandle run =
                    MethodHandles.lookup()
                            .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
                            .bindTo(action);
            Object ours =
                    MethodHandleProxies.asInterfaceInstance(
                            handler, MethodHandles.dropArguments(run, 0, signal));
            Object before =
                    signal.getMethod("handle", signal, handler)
                            .invoke(
                                    null,
                                    signal.getConstructor(String.class).newInstance("HUP"),
                                    ours);
            return !handler.getField("SIG_IGN").get(null).equals(before);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("SIGHUP cannot be handled", e);
        }
    }
}

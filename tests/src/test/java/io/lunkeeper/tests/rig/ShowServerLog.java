package io.lunkeeper.tests.rig;

import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/// Adds the logs of the running servers to the failure of a test.
public final class ShowServerLog implements InvocationInterceptor {
    private static final class ServerLog extends Exception {
        private static final long serialVersionUID = 1L;

        ServerLog(String text) {
            super(text, null, false, false);
        }
    }

    @Override
    public void interceptTestMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> method,
            ExtensionContext context)
            throws Throwable {
        proceed(invocation);
    }

    @Override
    public <T extends @Nullable Object> T interceptTestFactoryMethod(
            Invocation<T> invocation,
            ReflectiveInvocationContext<Method> method,
            ExtensionContext context)
            throws Throwable {
        return proceed(invocation);
    }

    @Override
    public void interceptDynamicTest(
            Invocation<@Nullable Void> invocation,
            DynamicTestInvocationContext test,
            ExtensionContext context)
            throws Throwable {
        proceed(invocation);
    }

    private static <T extends @Nullable Object> T proceed(Invocation<T> invocation)
            throws Throwable {
        try {
            return invocation.proceed();
        } catch (Throwable failure) {
            ServerProcess.logsOfRunning().map(ServerLog::new).ifPresent(failure::addSuppressed);
            throw failure;
        }
    }
}

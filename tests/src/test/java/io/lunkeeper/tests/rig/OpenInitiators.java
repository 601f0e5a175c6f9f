package io.lunkeeper.tests.rig;

import io.lunkeeper.tests.initiator.InitiatorSession;
import io.lunkeeper.tests.initiator.RawInitiator;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// The connections of a test, which are closed when it has ended, however that was. A field of the
/// test class that is not static, with `@RegisterExtension`. One thread at a time.
public final class OpenInitiators implements AfterEachCallback {
    private final List<RawInitiator> open = new ArrayList<>();

    /// Connects; the login will join `session` as connection `connectionId`.
    public RawInitiator connect(
            InetSocketAddress address, InitiatorSession session, int connectionId)
            throws IOException {
        RawInitiator next = RawInitiator.connect(address, session, connectionId);
        open.add(next);
        return next;
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        for (RawInitiator each : open) {
            each.close();
        }
    }
}

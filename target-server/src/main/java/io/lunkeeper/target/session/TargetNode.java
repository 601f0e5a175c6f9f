package io.lunkeeper.target.session;

import io.lunkeeper.target.scsi.DeviceServer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// One target of this server with its live sessions: where a function that concerns every I_T nexus
/// finds them. Safe from any thread.
public final class TargetNode {
    private final DeviceServer device;
    private final Set<Session> sessions = ConcurrentHashMap.newKeySet();

    /// A target without sessions.
    public TargetNode(DeviceServer device) {
        this.device = device;
    }

    /// Tells every nexus that a logical unit has another capacity now.
    ///
    /// @param lun its number, one that this target has
    public void capacityChanged(int lun) {
        device.capacityChanged(lun);
    }

    DeviceServer device() {
        return device;
    }

    Set<Session> sessions() {
        return sessions;
    }
}

package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.LunBackend;

/// What the backend of a logical unit tells of itself is told to every nexus.
///
/// @param index [LogicalUnit#index]
record BackendTidings(DeviceServer server, int index) implements LunBackend.Listener {
    @Override
    public void lowOnSpace() {
        server.postToAll(index, PendingCondition.THIN_PROVISIONING_SOFT_THRESHOLD_REACHED);
    }

    @Override
    public void failed() {
        server.postToAll(index, PendingCondition.DEFERRED_ERROR);
    }
}

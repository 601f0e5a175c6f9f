package io.lunkeeper.lun;

/// How writes travel to stable storage. The open mode of the file, the flush path and every bit
/// that SCSI reports about caching (WCE, DPOFUA) are derived from this one value.
public enum CacheMode {
    /// Writes are acknowledged from the kernel's page cache: they survive the death of this
    /// process, and power loss after a flush or with FUA.
    WRITE_BACK(true, false),
    /// Every write is on stable storage before it is acknowledged. The acknowledging side sees to
    /// that: it calls [LunBackend#flush] after the last piece of a command, just as for FUA.
    WRITE_THROUGH(false, false),
    /// As write-back towards the initiator, but past the page cache (O_DIRECT).
    DIRECT(true, true);

    private final boolean volatileCache;
    private final boolean directIo;

    CacheMode(boolean volatileCache, boolean directIo) {
        this.volatileCache = volatileCache;
        this.directIo = directIo;
    }

    /// Whether an acknowledged write may still be lost by power failure until it is flushed: the
    /// WCE bit (SBC-3 6.4.5 Caching mode page).
    public boolean volatileCache() {
        return volatileCache;
    }

    /// Whether the image is opened with O_DIRECT.
    public boolean directIo() {
        return directIo;
    }
}

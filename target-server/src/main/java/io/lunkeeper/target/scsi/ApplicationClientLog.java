package io.lunkeeper.target.scsi;

import java.util.Map;
import java.util.TreeMap;

/// What initiators wrote into the Application Client log page of a logical unit, for each other
/// (SPC-4 7.3.3 Application Client log page): 64 parameters of 252 bytes, zeros where nobody wrote.
/// Safe from any thread.
final class ApplicationClientLog {
    /// Parameter codes are below this: those that the standard asks for.
    static final int PARAMETERS = 0x40;

    static final int PARAMETER_BYTES = 0xfc;

    private static final byte[] NOTHING = new byte[PARAMETER_BYTES];

    private volatile Map<Integer, byte[]> written = Map.of();

    /// A parameter; not to be changed.
    byte[] parameter(int code) {
        return written.getOrDefault(code, NOTHING);
    }

    /// Replaces some parameters, all at once.
    ///
    /// @param values by parameter code
    synchronized void write(Map<Integer, byte[]> values) {
        Map<Integer, byte[]> next = new TreeMap<>(written);
        next.putAll(values);
        written = next;
    }

    /// As if nobody had written.
    synchronized void reset() {
        written = Map.of();
    }
}

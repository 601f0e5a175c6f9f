package io.lunkeeper.lun;

/// What happens when another program opens an image that is being served.
public enum Guard {
    /// It is refused, where this process has the privilege to do that (CAP_SYS_ADMIN); else it is
    /// noticed as with [#WARN].
    DENY,
    /// It is let in, noticed, counted and logged.
    WARN,
    /// Nobody looks.
    OFF
}

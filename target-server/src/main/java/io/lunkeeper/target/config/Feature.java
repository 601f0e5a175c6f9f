package io.lunkeeper.target.config;

/// What a configuration may ask for and a server may lack. A key of a feature that is not served is
/// an error: a target must never run with less protection than its file asks for.
public enum Feature {
    /// `control`: the socket for administration.
    CONTROL("the control socket is not supported by this version; remove control"),
    /// `metrics`: the address of the metrics page.
    METRICS("the metrics page is not supported by this version; remove metrics");

    private final String refusal;

    Feature(String refusal) {
        this.refusal = refusal;
    }

    /// What to tell an administrator who asks for it in vain.
    String refusal() {
        return refusal;
    }
}

/// How the server is, over HTTP: `/metrics` for Prometheus, a status page for people. Asks for a
/// [ServerStatus] when it is asked, and never a disk. A leaf: uses nothing else here, and whoever
/// wires it hands in where a status comes from. Start with [MetricsServer], then [LunMetric].
@NullMarked
package io.lunkeeper.target.metrics;

import org.jspecify.annotations.NullMarked;

package io.lunkeeper.tests.bench;

import org.jspecify.annotations.Nullable;

/// One measurement of one row against one contender. What a client does not tell is not a number,
/// or null.
///
/// @param perSecond commands per second
/// @param commands that were measured
/// @param serverSeconds processor time of the server for 100,000 commands
/// @param clientSeconds the same of the client
/// @param clientPart the part of the time that the client was busy
record Sample(
        double perSecond,
        long commands,
        double serverSeconds,
        double clientSeconds,
        double clientPart,
        @Nullable Latency latency) {
    private static final double PER = 100_000;

    static Sample of(LoadResult result) {
        return new Sample(
                result.perSecond(),
                result.commands(),
                Double.NaN,
                result.clientSeconds() * PER / result.commands(),
                result.clientSeconds() / result.seconds(),
                result.latency());
    }

    /// Of a client that tells nothing else.
    static Sample of(double perSecond, long commands) {
        return new Sample(perSecond, commands, Double.NaN, Double.NaN, Double.NaN, null);
    }

    /// The same with the processor time of the server for all of it.
    Sample servedIn(double seconds) {
        return new Sample(
                perSecond, commands, seconds * PER / commands, clientSeconds, clientPart, latency);
    }
}

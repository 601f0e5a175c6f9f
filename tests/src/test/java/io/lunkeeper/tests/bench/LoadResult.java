package io.lunkeeper.tests.bench;

import java.util.Locale;

/// What a [LoadRun] came to.
///
/// @param commands that were answered
/// @param seconds from the first to the last
/// @param clientSeconds processor time that the client used meanwhile
record LoadResult(long commands, double seconds, Latency latency, double clientSeconds) {

    double perSecond() {
        return commands / seconds;
    }

    /// Commands, seconds, commands per second, the 50th, 99th and 99.9th percentile and the maximum
    /// of the time a command took in microseconds, and the client's processor time in seconds.
    String line() {
        return String.format(
                Locale.ROOT,
                "%d %.3f %.0f %d %d %d %d %.3f",
                commands,
                seconds,
                perSecond(),
                latency.half(),
                latency.ninetyNine(),
                latency.threeNines(),
                latency.most(),
                clientSeconds);
    }
}

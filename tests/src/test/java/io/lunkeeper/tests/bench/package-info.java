/// Measurements beside other targets. `tests/bench` runs [Bench]: it starts the [Contender]s, goes
/// over the [Row]s round by round, each a [RowRun] with each contender, and prints a [Report]; or
/// [Scale] measures Lunkeeper by numbers of sessions and LUNs and sizes of images. The load comes
/// from [LoadRun], lean enough that the target and not the client is measured; [LeanClient] is its
/// command line.
///
/// The yardstick is a target without storage (`null_target.c`): what it reaches is the most that
/// any target on sockets can reach on the machine. It is in C since no Java, however good, would be
/// believed to be that.
@NullMarked
package io.lunkeeper.tests.bench;

import org.jspecify.annotations.NullMarked;

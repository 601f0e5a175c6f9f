/// A client for load, lean enough that the target and not the client is measured. `tests/bench`
/// runs it. Start with [LeanClient].
@NullMarked
package io.lunkeeper.tests.bench;

import org.jspecify.annotations.NullMarked;

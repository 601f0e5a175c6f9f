/// Sudden death of the server while it is written to. Start with [KillTest].
@NullMarked
package io.lunkeeper.tests.crash;

import org.jspecify.annotations.NullMarked;

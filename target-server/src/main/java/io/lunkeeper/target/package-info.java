/// The server as a whole: command line, wiring, start and end. The only room that knows all others.
/// Start with [Main].
@NullMarked
package io.lunkeeper.target;

import org.jspecify.annotations.NullMarked;

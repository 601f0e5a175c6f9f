/// The bench that tests stand on: the server as a process of its own, connections to it that end
/// with their test, and programs of others with a time limit. Uses nothing of the server's classes.
/// Start with [ServerProcess].
@NullMarked
package io.lunkeeper.tests.rig;

import org.jspecify.annotations.NullMarked;

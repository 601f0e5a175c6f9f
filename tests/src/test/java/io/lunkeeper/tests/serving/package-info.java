/// What an administrator meets who starts a server that cannot start: one clear line, the right
/// exit code, nothing created or changed. Start with [RefusedStartTest].
@NullMarked
package io.lunkeeper.tests.serving;

import org.jspecify.annotations.NullMarked;

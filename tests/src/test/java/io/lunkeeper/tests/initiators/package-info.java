/// Real initiators against the real server: libiscsi and QEMU. Start with [LibiscsiTest].
@NullMarked
package io.lunkeeper.tests.initiators;

import org.jspecify.annotations.NullMarked;

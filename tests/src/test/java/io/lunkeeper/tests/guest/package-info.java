/// The Linux kernel's own initiator, open-iscsi, in a small virtual machine. Start with
/// [GuestTest].
@NullMarked
package io.lunkeeper.tests.guest;

import org.jspecify.annotations.NullMarked;

/// The load that `lunkeeper train` puts on a server in its own process: an initiator as small as
/// can be. Uses nothing else here and speaks iSCSI by itself, so that what it is answered is judged
/// by somebody else. Start with [Training].
@NullMarked
package io.lunkeeper.target.training;

import org.jspecify.annotations.NullMarked;

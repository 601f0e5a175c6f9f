/// A raw iSCSI initiator for tests: it builds any PDU, right or wrong, and reads any PDU that comes
/// back. Conformance, crash and load tests share it. Uses nothing of the server under test. Start
/// with [RawInitiator], then [Request].
@NullMarked
package io.lunkeeper.tests.initiator;

import org.jspecify.annotations.NullMarked;

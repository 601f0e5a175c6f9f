/// What RFC 7143 asks of a target, tried on a real server through raw PDUs: one class for each
/// topic, one test for each rule. Start with [LoginTest].
@NullMarked
package io.lunkeeper.tests.conformance;

import org.jspecify.annotations.NullMarked;

/// What is shipped around the program: the schema of the configuration and the launcher. Start with
/// [ShippedConfigurationTest].
@NullMarked
package io.lunkeeper.tests.conf;

import org.jspecify.annotations.NullMarked;

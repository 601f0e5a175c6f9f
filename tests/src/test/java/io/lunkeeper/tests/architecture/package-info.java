/// The rules of the house as tests: which room may use which ([ArchitectureTest]), and how a file
/// looks ([TidyTest]).
@NullMarked
package io.lunkeeper.tests.architecture;

import org.jspecify.annotations.NullMarked;

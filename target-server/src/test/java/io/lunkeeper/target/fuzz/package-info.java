/// What the targets of fuzzing have in common: their corpora, and how bytes become choices. Uses
/// nothing else here. Start with [Corpus].
@NullMarked
package io.lunkeeper.target.fuzz;

import org.jspecify.annotations.NullMarked;

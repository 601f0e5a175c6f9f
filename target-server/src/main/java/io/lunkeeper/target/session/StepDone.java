package io.lunkeeper.target.session;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// The way back to the session's thread after an [IoStep].
interface StepDone {
    void accept(@Nullable IOException failure);
}

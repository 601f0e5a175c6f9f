/// The configuration file: YAML to a [Configuration], strictly, every error with its line. Read by
/// Main only. May use the LUN backend's [io.lunkeeper.lun.LunSpec]. Start with [ConfigurationFile],
/// then [Configuration].
@NullMarked
package io.lunkeeper.target.config;

import org.jspecify.annotations.NullMarked;

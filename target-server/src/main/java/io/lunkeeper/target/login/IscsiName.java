package io.lunkeeper.target.login;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// RFC 7143 4.2.7 iSCSI Names.
final class IscsiName {

    /// 4.2.7.1 iSCSI Name Properties.
    private static final int MAX_BYTES = 223;

    /// 4.2.7.4 Type "iqn." (iSCSI Qualified Name): year and month of a date, a reversed domain
    /// name, and anything behind a colon. The underscore is none of RFC 3722's characters, but host
    /// names bring it in.
    private static final Pattern IQN =
            Pattern.compile("iqn\\.[0-9]{4}-(0[1-9]|1[0-2])\\.[\\p{L}\\p{N}][\\p{L}\\p{N}._:-]*");

    /// 4.2.7.5 Type "eui." (IEEE EUI-64 Format).
    private static final Pattern EUI = Pattern.compile("eui\\.[0-9a-f]{16}");

    /// 4.2.7.6 Type "naa." (Network Address Authority).
    private static final Pattern NAA = Pattern.compile("naa\\.([0-9a-f]{16}|[0-9a-f]{32})");

    private IscsiName() {}

    /// The normalized form of a name (RFC 3722: case folded, compatibility composed).
    ///
    /// @return null when it is no iSCSI name
    static @Nullable String normalize(String name) {
        String normalized =
                Normalizer.normalize(name.toLowerCase(Locale.ROOT), Normalizer.Form.NFKC);
        boolean valid =
                normalized.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES
                        && (IQN.matcher(normalized).matches()
                                || EUI.matcher(normalized).matches()
                                || NAA.matcher(normalized).matches());
        return valid ? normalized : null;
    }
}

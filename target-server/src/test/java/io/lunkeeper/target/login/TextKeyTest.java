package io.lunkeeper.target.login;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.lunkeeper.target.login.TextKey.Phase;
import io.lunkeeper.target.login.TextKey.Scope;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TextKeyTest {

    /// RFC 7143 section 13, clause by clause, and 12.1. S, O and F: an initiator may send it in
    /// security or operational negotiation or in the full-feature phase.
    @ParameterizedTest
    @CsvSource({
        "12.1, AuthMethod, S, None, CONNECTION",
        "12.1.3, CHAP_A, S, '', CONNECTION",
        "12.1.3, CHAP_I, S, '', CONNECTION",
        "12.1.3, CHAP_C, S, '', CONNECTION",
        "12.1.3, CHAP_N, S, '', CONNECTION",
        "12.1.3, CHAP_R, S, '', CONNECTION",
        "13.1, HeaderDigest, O, None, CONNECTION",
        "13.1, DataDigest, O, None, CONNECTION",
        "13.2, MaxConnections, O, 1, NORMAL_SESSION",
        "13.3, SendTargets, F, '', SESSION",
        "13.4, TargetName, SO, '', SESSION",
        "13.5, InitiatorName, SO, '', SESSION",
        "13.6, TargetAlias, '', '', SESSION",
        "13.7, InitiatorAlias, SOF, '', SESSION",
        "13.8, TargetAddress, '', '', SESSION",
        "13.9, TargetPortalGroupTag, '', '', SESSION",
        "13.10, InitialR2T, O, Yes, NORMAL_SESSION",
        "13.11, ImmediateData, O, Yes, NORMAL_SESSION",
        "13.12, MaxRecvDataSegmentLength, OF, 8192, CONNECTION",
        "13.13, MaxBurstLength, O, 262144, NORMAL_SESSION",
        "13.14, FirstBurstLength, O, 65536, NORMAL_SESSION",
        "13.15, DefaultTime2Wait, O, 2, SESSION",
        "13.16, DefaultTime2Retain, O, 20, SESSION",
        "13.17, MaxOutstandingR2T, O, 1, NORMAL_SESSION",
        "13.18, DataPDUInOrder, O, Yes, NORMAL_SESSION",
        "13.19, DataSequenceInOrder, O, Yes, NORMAL_SESSION",
        "13.20, ErrorRecoveryLevel, O, 0, SESSION",
        "13.21, SessionType, SO, Normal, SESSION",
        "13.23, TaskReporting, O, RFC3720, NORMAL_SESSION",
        "13.24, iSCSIProtocolLevel, O, 1, NORMAL_SESSION",
        "13.25, IFMarker, O, No, CONNECTION",
        "13.25, OFMarker, O, No, CONNECTION",
        "13.25, IFMarkInt, O, '', CONNECTION",
        "13.25, OFMarkInt, O, '', CONNECTION",
        "13.26, X#NodeArchitecture, SO, '', SESSION",
    })
    void hasARowForEveryKey(
            String clause, String name, String phases, String defaultValue, Scope scope) {
        TextKey key = TextKey.of(name);
        assertEquals(name, key == null ? null : key.text(), clause);
        if (key != null) {
            assertEquals(defaultValue, key.defaultValue());
            assertEquals(scope, key.scope());
            assertEquals(phases.contains("S"), key.mayCome(Phase.SECURITY));
            assertEquals(phases.contains("O"), key.mayCome(Phase.OPERATIONAL));
            assertEquals(phases.contains("F"), key.mayCome(Phase.FULL_FEATURE));
        }
    }

    @Test
    void hasNoOtherRows() {
        Set<String> names = new HashSet<>();
        for (TextKey key : TextKey.values()) {
            names.add(key.text());
        }
        assertEquals(35, TextKey.values().length);
        assertEquals(35, names.size());
    }

    @Test
    void tellsKeysByTheirExactSpelling() {
        assertNull(TextKey.of("initiatorname"));
        assertNull(TextKey.of("InitiatorName".toUpperCase(Locale.ROOT)));
        assertNull(TextKey.of("X-com.example.key"));
        assertNull(TextKey.of(""));
    }
}

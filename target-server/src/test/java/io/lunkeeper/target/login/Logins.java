package io.lunkeeper.target.login;

import io.lunkeeper.target.pdu.RequestPdu.LoginRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Login requests of these tests, and the targets that they find.
final class Logins {
    static final String VM1 = "iqn.2026-11.io.lunkeeper:vm1";
    static final String VM2 = "iqn.2026-11.io.lunkeeper:vm2";
    static final String ALICE = "iqn.1993-08.org.debian:01:alice";
    static final String BOB = "iqn.1993-08.org.debian:01:bob";
    static final String INTRODUCTION = "InitiatorName=" + ALICE + ";TargetName=" + VM1;
    static final String DISCOVERY = "InitiatorName=" + ALICE + ";SessionType=Discovery";

    /// Two targets, the second one for Alice alone.
    static final TargetDirectory DIRECTORY =
            new TargetDirectory() {
                @Override
                public @Nullable Demand demand(String initiatorName, String targetName) {
                    boolean admitted =
                            targetName.equals(VM1)
                                    || (targetName.equals(VM2) && initiatorName.equals(ALICE));
                    return admitted ? Demand.NOTHING : null;
                }

                @Override
                public Demand discoveryDemand(String initiatorName) {
                    return Demand.NOTHING;
                }

                @Override
                public String alias(String targetName) {
                    return targetName.equals(VM2) ? "Mail & \u90f5\u4fbf" : "";
                }

                @Override
                public int portalGroupTag() {
                    return 7;
                }

                @Override
                public Iterator<Listing> listings(String initiatorName, List<ChapAccount> proven) {
                    List<Listing> listings = new ArrayList<>();
                    for (String name : List.of(VM1, VM2)) {
                        if (demand(initiatorName, name) != null) {
                            listings.add(
                                    new Listing(name, List.of("10.0.0.1:3260,7", "[::1]:3260,7")));
                        }
                    }
                    return listings.iterator();
                }
            };

    private Logins() {}

    static LoginNegotiation negotiation() {
        return new LoginNegotiation(DIRECTORY, NegotiationLimits.DEFAULT);
    }

    /// A request from a stage to the next one, or to stay when both are the same. Pairs are parted
    /// by semicolons.
    static LoginRequest request(int stage, int next, String pairs) {
        return request(stage, next, false, text(pairs));
    }

    /// The same for a further connection of a session.
    static LoginRequest request(int tsih, int stage, int next, String pairs) {
        return request(tsih, stage, next, false, text(pairs));
    }

    static LoginRequest request(int stage, int next, boolean continues, ByteBuf data) {
        return request(0, stage, next, continues, data);
    }

    private static LoginRequest request(
            int tsih, int stage, int next, boolean continues, ByteBuf data) {
        boolean transit = next != stage;
        return new LoginRequest(
                transit,
                continues,
                stage,
                transit ? next : 0,
                0,
                0,
                0x00023d000001L,
                tsih,
                1,
                0,
                1,
                0,
                data);
    }

    static ByteBuf text(String pairs) {
        String ended = pairs.isEmpty() ? "" : pairs.replace(';', '\0') + '\0';
        return Unpooled.wrappedBuffer(ended.getBytes(StandardCharsets.UTF_8));
    }

    /// The text of a reply as these tests spell it.
    static String pairs(String text) {
        String ended = text.replace('\0', ';');
        return ended.isEmpty() ? "" : ended.substring(0, ended.length() - 1);
    }
}

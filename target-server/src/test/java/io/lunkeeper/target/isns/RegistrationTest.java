package io.lunkeeper.target.isns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lunkeeper.target.isns.NetworkEntity.Portal;
import io.lunkeeper.target.isns.NetworkEntity.StorageNode;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A life with a server that says what each test wants it to, on a clock that runs when it is told.
final class RegistrationTest {
    private static final InetAddress HERE = InetAddress.ofLiteral("192.0.2.1");
    private static final Portal PORTAL = RequestsTest.portal("192.0.2.1", 3260, 1);
    private static final Portal OTHER = RequestsTest.portal("192.0.2.2", 3260, 1);

    private NetworkEntity offer = entity(List.of(PORTAL), "iqn.a", "iqn.b");
    private long now = Long.MAX_VALUE - 1_000_000_000; // it wraps around soon
    private int connects;
    private int hangUps;
    private final List<SentMessage> sent = new ArrayList<>();
    private final Registration registration =
            new Registration(
                    "names:3205",
                    from -> {
                        assertEquals(HERE, from);
                        return offer;
                    },
                    new Registration.Line() {
                        @Override
                        public void connect() {
                            connects++;
                        }

                        @Override
                        public void send(ByteBuffer message) {
                            sent.add(SentMessage.of(message));
                        }

                        @Override
                        public void hangUp() {
                            hangUps++;
                        }
                    });

    private static NetworkEntity entity(List<Portal> portals, String... names) {
        return new NetworkEntity(
                "me", portals, List.of(names).stream().map(n -> new StorageNode(n, "")).toList());
    }

    @BeforeEach
    void begin() {
        registration.start(now);
    }

    /// Lets so much time pass, and what is due happen.
    private void pass(Duration time) {
        now += time.toNanos();
        registration.tick(now);
    }

    private void connect() {
        int before = connects;
        pass(Duration.ofNanos(registration.idleNanos(now)));
        assertEquals(before + 1, connects);
        registration.connected(HERE, now);
    }

    private SentMessage last() {
        return sent.getLast();
    }

    private void answer(long status, List<String> entities, OptionalLong period) {
        registration.received(
                new Response(last().function(), last().transaction(), status, entities, period),
                now);
    }

    private void agree() {
        answer(0, List.of("ME"), OptionalLong.of(600));
    }

    private void settle() {
        connect();
        agree();
        assertEquals(2, registration.status().targets());
        assertEquals("", registration.status().trouble());
    }

    private void assertRegistersAll(boolean replacing) {
        assertEquals(SentMessage.REGISTER, last().function());
        assertEquals(replacing, (last().flags() & SentMessage.REPLACE) != 0);
        assertEquals(
                offer.nodes().stream().map(StorageNode::name).toList(),
                last().values(32).stream().skip(1).toList());
    }

    @Test
    void firstRegistrationReplacesWhatAnEarlierLifeHasLeft() {
        connect();
        assertRegistersAll(true);
        assertEquals(0, registration.status().targets());
        agree();
        assertEquals(1, sent.size());
        assertEquals(2, registration.status().targets());
    }

    @ParameterizedTest
    @CsvSource({"600, 300", "60, 30", "10, 5", "1, 1", "0, 300", "604800, 300", "4294967295, 300"})
    void refreshesHalfwayThroughThePeriod(long period, long after) {
        connect();
        answer(0, List.of("me"), OptionalLong.of(period));
        pass(Duration.ofSeconds(after).minusMillis(1));
        assertEquals(1, sent.size());
        pass(Duration.ofMillis(1));
        assertEquals(SentMessage.QUERY, last().function());
        agree();
        assertEquals(1, registration.status().refreshes());
        assertEquals(2, sent.size());
    }

    @Test
    void aServerThatNamesNoPeriodIsAskedEveryFiveMinutes() {
        connect();
        answer(0, List.of(), OptionalLong.empty());
        assertEquals(Duration.ofMinutes(5).toNanos(), registration.idleNanos(now));
    }

    /// Without a word of why, or with one.
    @ParameterizedTest
    @ValueSource(longs = {0, 5, 6, 9})
    void registersAgainWhatTheServerHasForgotten(long status) {
        settle();
        pass(Duration.ofMinutes(5));
        answer(status, List.of("someone else"), OptionalLong.empty());
        assertRegistersAll(false);
        agree();
        assertEquals(3, sent.size());
        assertEquals(0, registration.status().refreshes());
    }

    @Test
    void tellsOfTargetsThatComeAndGo() {
        settle();
        offer = entity(List.of(OTHER), "iqn.b", "iqn.c");
        registration.change(now);
        assertRegistersAll(false);
        agree();
        assertEquals(SentMessage.DEREGISTER, last().function());
        assertEquals(List.of("32=iqn.b", "0=", "32=iqn.a"), last().attributes().subList(0, 3));
        assertEquals(List.of("3260"), last().values(17));
        agree();
        assertEquals(3, sent.size());
        pass(Duration.ofMinutes(5));
        assertEquals(SentMessage.QUERY, last().function());
        assertEquals("iqn.b", last().values(32).getFirst());
    }

    @Test
    void addressesThatHaveChangedAreFoundAtTheNextRefresh() {
        settle();
        offer = entity(List.of(PORTAL, OTHER), "iqn.a", "iqn.b");
        pass(Duration.ofMinutes(5));
        assertRegistersAll(false);
        agree();
        assertEquals(2, sent.size());
    }

    @Test
    void aChangeInTheMiddleIsMadeUpFor() {
        connect();
        offer = entity(List.of(PORTAL), "iqn.c");
        registration.change(now);
        assertEquals(1, sent.size());
        agree();
        assertRegistersAll(false);
        agree();
        assertEquals(List.of("iqn.c", "iqn.a", "iqn.b"), last().values(32));
        agree();
        assertEquals(1, registration.status().targets());
    }

    @Test
    void withoutTargetsNothingIsRegistered() {
        offer = entity(List.of(PORTAL));
        connect();
        assertEquals(List.of(), sent);
        offer = entity(List.of(PORTAL), "iqn.a");
        registration.change(now);
        assertRegistersAll(true);
        agree();
        offer = entity(List.of(), "iqn.a");
        registration.change(now);
        assertEquals(List.of("32=iqn.a", "0=", "1=me"), last().attributes());
        agree();
        assertEquals(0, registration.status().targets());
    }

    @Test
    void serverThatComesBackIsAskedWhatItKnowsAndToldTheRest() {
        settle();
        registration.lost("closed the connection", now);
        assertEquals("", registration.status().trouble());
        connect();
        assertEquals(SentMessage.QUERY, last().function());
        answer(0, List.of(), OptionalLong.empty());
        assertRegistersAll(false);
    }

    @Test
    void whatHasGoneMeanwhileIsDeregisteredThen() {
        settle();
        registration.lost("closed the connection", now);
        offer = entity(List.of(PORTAL), "iqn.b");
        registration.change(now);
        connect();
        assertRegistersAll(false);
        registration.lost("closed the connection", now);
        assertEquals("closed the connection", registration.status().trouble());
        connect();
        agree();
        assertEquals(List.of("iqn.b", "iqn.a"), last().values(32));
    }

    @Test
    void pausesGrowToAMinuteAndNoFurther() {
        for (int seconds : new int[] {1, 2, 4, 8, 16, 32, 60, 60}) {
            pass(Duration.ofNanos(registration.idleNanos(now)));
            registration.lost("Connection refused", now);
            assertEquals(Duration.ofSeconds(seconds).toNanos(), registration.idleNanos(now));
        }
        assertEquals(8, connects);
        assertEquals(8, registration.status().failures());
        assertEquals("Connection refused", registration.status().trouble());
        settle();
        pass(Duration.ofMinutes(1));
        registration.lost("closed the connection", now);
        assertEquals(Duration.ofSeconds(1).toNanos(), registration.idleNanos(now));
    }

    /// Such a server is not connected to all the time.
    @Test
    void serverThatClosesAfterEveryAnswerIsLeftAloneMoreAndMore() {
        settle();
        for (int seconds : new int[] {1, 2, 4, 8, 16, 32, 60, 60}) {
            registration.lost("closed the connection", now);
            assertEquals(Duration.ofSeconds(seconds).toNanos(), registration.idleNanos(now));
            connect();
            agree();
        }
    }

    @Test
    void silenceEndsTheConnection() {
        pass(Duration.ZERO);
        pass(Registration.ANSWER_LIMIT);
        assertEquals(1, hangUps);
        connect();
        pass(Registration.ANSWER_LIMIT.minusMillis(1));
        assertEquals(1, hangUps);
        pass(Duration.ofMillis(1));
        assertEquals(2, hangUps);
        assertEquals("did not answer for 10 s", registration.status().trouble());
        assertEquals(2, registration.status().failures());
    }

    @Test
    void refusalIsToldAndAllIsReplacedAfterAPause() {
        settle();
        registration.change(now);
        assertRegistersAll(false);
        answer(8, List.of(), OptionalLong.empty());
        assertEquals(
                "refused the registration: status 8 (Source Unauthorized)",
                registration.status().trouble());
        assertEquals(1, hangUps);
        connect();
        assertRegistersAll(true);
    }

    /// It may know nothing of it any more, or let the period pass.
    @Test
    void refusedDeregistrationIsNoTrouble() {
        settle();
        offer = entity(List.of(PORTAL), "iqn.a");
        registration.change(now);
        agree();
        assertEquals(SentMessage.DEREGISTER, last().function());
        answer(22, List.of(), OptionalLong.empty());
        assertEquals("", registration.status().trouble());
        assertEquals(1, registration.status().targets());
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "0, 1"})
    void answersToSomethingElseEndTheConnection(int function, int transaction) {
        connect();
        registration.received(
                new Response(
                        last().function() + function,
                        last().transaction() + transaction,
                        0,
                        List.of(),
                        OptionalLong.empty()),
                now);
        assertEquals(1, hangUps);
        assertEquals("answered what it was not asked", registration.status().trouble());
        settle();
        agree();
        assertEquals(2, hangUps);
        assertEquals(2, registration.status().failures());
    }

    @Test
    void takesAllBackAtTheEnd() {
        settle();
        registration.stop(now);
        assertEquals(List.of("32=iqn.a", "0=", "1=me"), last().attributes());
        assertEquals(SentMessage.DEREGISTER, last().function());
        assertFalse(registration.ended());
        agree();
        assertTrue(registration.ended());
        assertEquals(0, registration.status().targets());
        assertEquals(1, hangUps);
    }

    @Test
    void takesBackWhatIsJustRegisteredAtTheEnd() {
        connect();
        registration.stop(now);
        assertEquals(1, sent.size());
        agree();
        assertEquals(SentMessage.DEREGISTER, last().function());
        agree();
        assertTrue(registration.ended());
    }

    @Test
    void endDoesNotWaitForWhoDoesNotAnswer() {
        settle();
        registration.stop(now);
        pass(Registration.STOP_LIMIT.minusMillis(1));
        assertFalse(registration.ended());
        assertEquals(Duration.ofMillis(1).toNanos(), registration.idleNanos(now));
        pass(Duration.ofMillis(1));
        assertTrue(registration.ended());
        assertEquals(1, hangUps);
    }

    @Test
    void endsAtOnceWhereThereIsNobodyToTell() {
        registration.stop(now);
        assertTrue(registration.ended());
        assertEquals(0, connects);
    }

    @Test
    void endsWithTheConnection() {
        settle();
        registration.stop(now);
        registration.lost("closed the connection", now);
        assertTrue(registration.ended());
    }
}

package io.lunkeeper.tests.conformance;

import static io.lunkeeper.tests.conformance.PatientInitiator.LENGTH;
import static io.lunkeeper.tests.conformance.PatientInitiator.begin;
import static io.lunkeeper.tests.conformance.PatientInitiator.finishWrite;
import static io.lunkeeper.tests.conformance.PatientInitiator.ping;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lunkeeper.tests.initiator.Cdb;
import io.lunkeeper.tests.initiator.Pdu;
import io.lunkeeper.tests.initiator.RawInitiator;
import io.lunkeeper.tests.initiator.Request;
import io.lunkeeper.tests.rig.Lun;
import io.lunkeeper.tests.rig.ServerProcess;
import io.lunkeeper.tests.rig.ShowServerLog;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// SAM-5 8.6 Task attributes, RFC 7143 11.3.1 Flags and Task Attributes. The slow command is a
/// write that waits for its data; a ping shows that what was sent before it has been read.
@ExtendWith(ShowServerLog.class)
class TaskAttributeTest {
    private static final int SIMPLE = 1;
    private static final int ORDERED = 2;
    private static final int HEAD_OF_QUEUE = 3;
    private static final byte[] NEW = new byte[LENGTH];

    @AutoClose private static ServerProcess server;

    @BeforeAll
    static void start() {
        Arrays.fill(NEW, (byte) 0x5a);
        server = ServerProcess.start(Lun.sized(0, "16MiB"));
    }

    private static RawInitiator login() throws IOException {
        return PatientInitiator.login(server, 0);
    }

    private static Request with(int attribute, Request request, int flags) {
        return request.flags(0x80 | flags | attribute);
    }

    private static Pdu beginWrite(RawInitiator initiator, int attribute, int lba)
            throws IOException {
        Request write = Request.scsiCommand(0, Cdb.write10(lba, 8)).writes(LENGTH);
        return begin(initiator, with(attribute, write, 0x20));
    }

    private static int beginRead(RawInitiator initiator, int attribute, int lba)
            throws IOException {
        Request read = Request.scsiCommand(0, Cdb.read10(lba, 8)).reads(LENGTH);
        return initiator.send(with(attribute, read, 0x40));
    }

    private static void expectNew(RawInitiator initiator, int tag) throws IOException {
        Pdu data = initiator.receive();
        assertEquals(Pdu.DATA_IN, data.opcode());
        assertEquals(tag, data.initiatorTaskTag());
        assertArrayEquals(NEW, data.data());
    }

    @Test
    void anOrderedReadWaitsForTheWriteBeforeIt() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu r2t = beginWrite(initiator, SIMPLE, 0);
            int ordered = beginRead(initiator, ORDERED, 0);
            int later = beginRead(initiator, SIMPLE, 0);
            ping(initiator);
            finishWrite(initiator, r2t, NEW);
            expectNew(initiator, ordered);
            expectNew(initiator, later);
        }
    }

    @Test
    void aReadWaitsForTheOrderedWriteBeforeItUnlessItIsHeadOfQueue() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu r2t = beginWrite(initiator, ORDERED, 64);
            int simple = beginRead(initiator, SIMPLE, 64);
            ping(initiator);
            int head = beginRead(initiator, HEAD_OF_QUEUE, 64);
            assertEquals(head, initiator.receive().initiatorTaskTag());
            ping(initiator);
            finishWrite(initiator, r2t, NEW);
            expectNew(initiator, simple);
        }
    }

    /// A dormant ORDERED command does not hold up what goes before all others, and waits for that,
    /// too.
    @Test
    void anOrderedReadThatWaitsIsOvertakenByHeadOfQueueOnly() throws IOException {
        try (RawInitiator initiator = login()) {
            Pdu first = beginWrite(initiator, SIMPLE, 320);
            int ordered = beginRead(initiator, ORDERED, 320);
            int later = beginRead(initiator, SIMPLE, 320);
            ping(initiator);
            Pdu head = beginWrite(initiator, HEAD_OF_QUEUE, 384);
            finishWrite(initiator, first, NEW);
            ping(initiator);
            finishWrite(initiator, head, NEW);
            expectNew(initiator, ordered);
            expectNew(initiator, later);
        }
    }

    @Test
    void sessionsWaitForEachOtherInOneTaskSetAndNotInTwo() throws IOException {
        try (RawInitiator writer = login();
                RawInitiator reader = login()) {
            Pdu r2t = beginWrite(writer, SIMPLE, 128);
            int unordered = beginRead(reader, ORDERED, 128);
            assertEquals(unordered, reader.receive().initiatorTaskTag());
            finishWrite(writer, r2t, NEW);
            ControlMode.ONE_TASK_SET.select(0, reader, writer);
            Pdu second = beginWrite(writer, SIMPLE, 192);
            int ordered = beginRead(reader, ORDERED, 192);
            ping(reader);
            ping(writer);
            ping(reader);
            finishWrite(writer, second, NEW);
            expectNew(reader, ordered);
            Pdu third = beginWrite(reader, ORDERED, 256);
            int simple = beginRead(writer, SIMPLE, 256);
            ping(writer);
            finishWrite(reader, third, NEW);
            expectNew(writer, simple);
            ControlMode.reset(0, reader);
        }
    }

    @Test
    void rejectsAReservedAttribute() throws IOException {
        try (RawInitiator initiator = login()) {
            Request reserved = Request.scsiCommand(0, Cdb.testUnitReady());
            Pdu reject = initiator.exchange(with(5, reserved, 0));
            assertEquals(Pdu.REJECT, reject.opcode());
            assertEquals(0x09, reject.response());
            assertEquals(0, initiator.read(0, Cdb.testUnitReady(), 0).status());
        }
    }
}

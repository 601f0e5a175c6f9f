package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// LOG SELECT (SPC-4 6.7 LOG SELECT command): takes what initiators keep in the Application Client
/// log page, or forgets it. Nothing is saved, so SP is not allowed.
final class LogSelect {
    private static final int FORMAT_AND_LINKING = 0x03;

    private final DeviceServer server;
    private final Nexus nexus;
    private final LogicalUnit unit;
    private final int lengthBytes;

    /// What the parameter list wants written, by parameter code.
    private final Map<Integer, byte[]> written = new TreeMap<>();

    private LogSelect(DeviceServer server, Nexus nexus, LogicalUnit unit, int lengthBytes) {
        this.server = server;
        this.nexus = nexus;
        this.unit = unit;
        this.lengthBytes = lengthBytes;
    }

    static Outcome begin(DeviceServer server, Nexus nexus, LogicalUnit unit, Cdb.LogSelect cdb) {
        LogSelect command = new LogSelect(server, nexus, unit, cdb.parameterListLength());
        if (cdb.parameterListLength() == 0) {
            return command.reset(cdb);
        }
        if (cdb.parameterCodeReset()) {
            return unit.refuse(Sense.invalidFieldInCdb(1, 1));
        }
        if (cdb.pageCode() != 0) {
            return unit.refuse(Sense.invalidFieldInCdb(2, 5));
        }
        if (cdb.subpageCode() != 0) {
            return unit.refuse(Sense.invalidFieldInCdb(3));
        }
        return new Outcome.ReceiveParameters(cdb.parameterListLength(), command::received);
    }

    /// SPC-4 6.7.2 Processing LOG SELECT when the parameter list length is zero: PCR sets
    /// everything in the pages meant to its default. PC is for counters, of which there are none.
    private Outcome reset(Cdb.LogSelect cdb) {
        boolean all = cdb.pageCode() == 0 && cdb.subpageCode() == 0;
        int subpage = cdb.subpageCode() == LogPages.ALL_SUBPAGES ? 0 : cdb.subpageCode();
        if (!LogPages.exists(cdb.pageCode(), subpage)) {
            return unit.refuse(Sense.invalidFieldInCdb(2, 5));
        }
        boolean meant = all || cdb.pageCode() == LogPages.APPLICATION_CLIENT;
        if (!meant || !cdb.parameterCodeReset()) {
            return Outcome.Status.GOOD;
        }
        unit.applicationClientLog().reset();
        return changed();
    }

    private Outcome changed() {
        server.tellOthers(nexus, unit, PendingCondition.LOG_PARAMETERS_CHANGED);
        return Outcome.Status.GOOD;
    }

    /// What is wrong anywhere changes nothing.
    private Outcome received(ByteBuf parameters, long announcedBytes) {
        if (announcedBytes < lengthBytes) {
            return unit.refuse(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        }
        ByteBuf list = parameters.slice();
        int lastPage = -1;
        while (list.isReadable()) {
            if (list.readableBytes() < LogPages.HEADER_BYTES) {
                return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
            }
            int page = list.getUnsignedByte(list.readerIndex()) & 0x3f;
            if (page <= lastPage) {
                return unit.refuse(Sense.invalidFieldInParameterList(list.readerIndex()));
            }
            lastPage = page;
            Sense wrong = takePage(list, page);
            if (wrong != null) {
                return unit.refuse(wrong);
            }
        }
        if (written.isEmpty()) {
            return Outcome.Status.GOOD;
        }
        unit.applicationClientLog().write(written);
        return changed();
    }

    /// Takes a page off the list. Only one has values that may be set; the others may be named.
    private @Nullable Sense takePage(ByteBuf list, int page) {
        int start = list.readerIndex();
        boolean subpage = (list.getByte(start) & LogPages.SUBPAGE_FORMAT) != 0;
        if (subpage || !LogPages.exists(page, 0)) {
            return Sense.invalidFieldInParameterList(start);
        }
        if (list.getByte(start + 1) != 0) {
            return Sense.invalidFieldInParameterList(start + 1);
        }
        int length = list.getUnsignedShort(start + 2);
        list.skipBytes(LogPages.HEADER_BYTES);
        if (length > list.readableBytes()) {
            return Sense.PARAMETER_LIST_LENGTH_ERROR;
        }
        if (page != LogPages.APPLICATION_CLIENT && length != 0) {
            return Sense.invalidFieldInParameterList(list.readerIndex());
        }
        int end = list.readerIndex() + length;
        int lastCode = -1;
        while (list.readerIndex() < end) {
            int at = list.readerIndex();
            if (end - at < LogPages.HEADER_BYTES) {
                return Sense.PARAMETER_LIST_LENGTH_ERROR;
            }
            int code = list.readUnsignedShort();
            if (code <= lastCode || code >= ApplicationClientLog.PARAMETERS) {
                return Sense.invalidFieldInParameterList(at);
            }
            lastCode = code;
            Sense wrong = takeParameter(list, code, end);
            if (wrong != null) {
                return wrong;
            }
        }
        return null;
    }

    /// Takes a parameter whose code has been read.
    private @Nullable Sense takeParameter(ByteBuf list, int code, int end) {
        int at = list.readerIndex();
        if ((list.readByte() & FORMAT_AND_LINKING) != LogPages.BINARY_LIST) {
            return Sense.invalidFieldInParameterList(at);
        }
        if (list.readUnsignedByte() != ApplicationClientLog.PARAMETER_BYTES) {
            return Sense.invalidFieldInParameterList(at + 1);
        }
        if (end - list.readerIndex() < ApplicationClientLog.PARAMETER_BYTES) {
            return Sense.PARAMETER_LIST_LENGTH_ERROR;
        }
        byte[] value = new byte[ApplicationClientLog.PARAMETER_BYTES];
        list.readBytes(value);
        written.put(code, value);
        return null;
    }
}

package io.lunkeeper.target.scsi;

import io.lunkeeper.lun.RangeWatches;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// POPULATE TOKEN (SBC-3, POPULATE TOKEN command): makes a token that stands for blocks as they are
/// now. RECEIVE ROD TOKEN INFORMATION hands it out.
final class PopulateToken {
    private static final int HEADER_BYTES = 16;
    private static final int TIMEOUT_BYTE = 4;
    private static final int TYPE_BYTE = 8;
    private static final int RANGES_LENGTH_BYTE = 14;
    private static final int ROD_TYPE_VALID = 0x02;

    private PopulateToken() {}

    static Outcome begin(
            ThirdPartyCopies copies, Nexus nexus, LogicalUnit unit, Cdb.PopulateToken cdb) {
        return TokenList.receive(
                unit,
                cdb.parameterListLength(),
                HEADER_BYTES,
                list -> received(copies, nexus, unit, list, cdb.listIdentifier()));
    }

    private static Outcome received(
            ThirdPartyCopies copies,
            Nexus nexus,
            LogicalUnit unit,
            ByteBuf list,
            long listIdentifier) {
        Sense fault = fault(list);
        if (fault != null) {
            return unit.refuse(fault);
        }
        BlockRange.Parsed parsed = BlockRange.parse(unit, list, RANGES_LENGTH_BYTE);
        if (parsed.refusal() != null) {
            return parsed.refusal();
        }
        long timeout = list.getUnsignedInt(TIMEOUT_BYTE);
        long seconds = timeout == 0 ? CopyLimits.DEFAULT_TOKEN_SECONDS : timeout;
        CopyOperation operation =
                new CopyOperation(
                        new CopyOperation.Origin(
                                OperationCode.POPULATE_TOKEN,
                                unit,
                                TokenList.immediate(list),
                                unit.bytes(parsed.blocks())));
        Outcome.Status refusal = copies.admit(nexus, OptionalLong.of(listIdentifier), operation);
        // Who writes there is waited for. No data is moved, so the token is there before the status
        // with IMMED, too.
        return refusal != null
                ? refusal
                : new Outcome.Blocking(() -> make(copies, nexus, parsed, seconds, operation));
    }

    private static @Nullable Sense fault(ByteBuf list) {
        if (list.getUnsignedInt(TIMEOUT_BYTE) > CopyLimits.MAX_TOKEN_SECONDS) {
            return Sense.invalidFieldInParameterList(TIMEOUT_BYTE);
        }
        boolean typed = (list.getByte(TokenList.FLAGS_BYTE) & ROD_TYPE_VALID) != 0;
        return typed && list.getInt(TYPE_BYTE) != RodToken.CHANGE_VULNERABLE
                ? Sense.invalidFieldInParameterList(TYPE_BYTE)
                : null;
    }

    private static Outcome make(
            ThirdPartyCopies copies,
            Nexus nexus,
            BlockRange.Parsed parsed,
            long seconds,
            CopyOperation operation) {
        LogicalUnit unit = operation.origin().unit();
        List<RangeWatches.Range> bytes =
                parsed.ranges().stream()
                        .map(range ->
                                new RangeWatches.Range(
                                        unit.bytes(range.lba()), unit.bytes(range.blocks())))
                        .toList();
        RodToken.Content content =
                new RodToken.Content(unit, parsed.ranges(), unit.backend().watches().watch(bytes));
        Optional<RodToken> token =
                copies.tokens().create(nexus.name().initiatorPort(), content, seconds);
        token.ifPresent(made -> operation.made(made, unit.bytes(parsed.blocks())));
        Outcome.Status status =
                token.isPresent()
                        ? Outcome.Status.GOOD
                        : unit.refuse(CopySense.INSUFFICIENT_RESOURCES_TO_CREATE_ROD_TOKEN);
        operation.ended(status);
        return operation.origin().background() ? Outcome.Status.GOOD : status;
    }
}

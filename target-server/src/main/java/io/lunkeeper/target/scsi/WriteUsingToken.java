package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// WRITE USING TOKEN (SBC-3, WRITE USING TOKEN command): writes what a token stands for, if that is
/// still what it was.
///
/// After each piece the token is asked: whoever changed its blocks has said so before, so a piece
/// after which nothing had changed is what the token stood for.
final class WriteUsingToken implements CopyRun.Plan {
    private static final int HEADER_BYTES = 536;
    private static final int DELETE_TOKEN = 0x02;
    private static final int OFFSET_BYTE = 8;
    private static final int TOKEN_BYTE = 16;
    private static final int RANGES_LENGTH_BYTE = 534;

    private final ThirdPartyCopies copies;
    private final LogicalUnit unit;
    private final List<BlockRange> ranges;

    /// Null: zeros.
    private final @Nullable RodToken token;

    private final boolean delete;

    /// Where the next block of the token is, counted in blocks from its start.
    private long position;

    private int range;

    /// The blocks of the range that have gone out.
    private long doneOfRange;

    private WriteUsingToken(
            ThirdPartyCopies copies,
            LogicalUnit unit,
            List<BlockRange> ranges,
            @Nullable RodToken token,
            ByteBuf list) {
        this.copies = copies;
        this.unit = unit;
        this.ranges = ranges;
        this.token = token;
        this.delete = (list.getByte(TokenList.FLAGS_BYTE) & DELETE_TOKEN) != 0;
        this.position = list.getLong(OFFSET_BYTE);
    }

    static Outcome begin(
            ThirdPartyCopies copies, Nexus nexus, LogicalUnit unit, Cdb.WriteUsingToken cdb) {
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
        BlockRange.Parsed parsed = BlockRange.parse(unit, list, RANGES_LENGTH_BYTE);
        if (parsed.refusal() != null) {
            return parsed.refusal();
        }
        RodToken token = null;
        if (list.getInt(TOKEN_BYTE) != RodToken.ZERO) {
            byte[] presented = new byte[RodToken.BYTES];
            list.getBytes(TOKEN_BYTE, presented);
            switch (copies.tokens().redeem(presented, copies.addressableBy(nexus))) {
                case RodTokens.Redeemed.Refused(Sense sense) -> {
                    return unit.refuse(sense);
                }
                case RodTokens.Redeemed.Valid(RodToken valid) -> token = valid;
            }
        }
        WriteUsingToken plan = new WriteUsingToken(copies, unit, parsed.ranges(), token, list);
        Sense fault = token == null ? null : plan.fault(token);
        if (fault != null) {
            plan.over();
            return unit.refuse(fault);
        }
        CopyOperation.Origin origin =
                new CopyOperation.Origin(
                        OperationCode.WRITE_USING_TOKEN,
                        unit,
                        TokenList.immediate(list),
                        unit.bytes(parsed.blocks()));
        return copies.start(
                nexus, OptionalLong.of(listIdentifier), new CopyOperation(origin), plan);
    }

    /// What is asked for beyond the end of the token is not: as much is written as there is.
    private @Nullable Sense fault(RodToken from) {
        RodToken.Content content = from.content();
        if (content.source().bytes(1) != unit.bytes(1)) {
            return CopySense.INVALID_TOKEN_OPERATION;
        }
        boolean itself =
                content.source() == unit
                        && ranges.stream()
                                .anyMatch(to -> content.ranges().stream().anyMatch(to::overlaps));
        if (itself) {
            return CopySense.INVALID_TOKEN_OPERATION;
        }
        return position < 0 || position >= content.blocks()
                ? Sense.invalidFieldInParameterList(OFFSET_BYTE)
                : null;
    }

    @Override
    public CopyRun.Next next() {
        boolean usedUp = token != null && position == token.content().blocks();
        if (range == ranges.size() || usedUp) {
            return new CopyRun.Next.Done();
        }
        BlockRange to = ranges.get(range);
        if (token == null) {
            range++;
            return new CopyRun.Next.Move(
                    new ZeroStretch(unit, unit.bytes(to.lba()), unit.bytes(to.blocks())));
        }
        return new CopyRun.Next.Move(stretch(token.content(), to));
    }

    /// As much as lies in one piece on both sides.
    private Stretch stretch(RodToken.Content content, BlockRange to) {
        long skip = position;
        int index = 0;
        while (skip >= content.ranges().get(index).blocks()) {
            skip -= content.ranges().get(index).blocks();
            index++;
        }
        BlockRange from = content.ranges().get(index);
        long blocks = Math.min(from.blocks() - skip, to.blocks() - doneOfRange);
        Stretch stretch =
                new CopyStretch(
                        content.source(),
                        unit.bytes(from.lba() + skip),
                        unit,
                        unit.bytes(to.lba() + doneOfRange),
                        unit.bytes(blocks));
        position += blocks;
        doneOfRange += blocks;
        if (doneOfRange == to.blocks()) {
            range++;
            doneOfRange = 0;
        }
        return stretch;
    }

    @Override
    public Outcome.@Nullable Status objection() {
        return token == null || token.unchanged() ? null : unit.refuse(CopySense.TOKEN_REVOKED);
    }

    /// What is wrong with the source is nothing that this unit could be blamed for.
    @Override
    public Outcome.Status obstructed(Stretch.Obstacle obstacle) {
        return obstacle.atSource()
                ? unit.refuse(CopySense.THIRD_PARTY_DEVICE_FAILURE)
                : obstacle.status();
    }

    @Override
    public void over() {
        if (token != null) {
            copies.tokens().release(token, delete);
        }
    }
}

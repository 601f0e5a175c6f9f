package io.lunkeeper.target.scsi;

import static java.util.Objects.requireNonNull;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// EXTENDED COPY (SPC-4 6.4 EXTENDED COPY(LID4) command, 6.5 EXTENDED COPY(LID1) command): from its
/// parameter list to a copy under way. The whole list is checked before the first block moves; what
/// the descriptors name is looked up segment by segment.
///
/// A copy is never made from or to a logical unit that the nexus cannot address itself: the names
/// of units are looked up among those alone.
final class ExtendedCopy implements CopyRun.Plan {
    private static final int FLAGS_BYTE = 1;
    private static final int CSCD_LENGTH_BYTE = 2;

    // LIST ID USAGE
    private static final int USAGE_RESERVED = 1;
    private static final int USAGE_NO_IDENTIFIER = 3;

    private final ThirdPartyCopies copies;
    private final Nexus nexus;
    private final LogicalUnit unit;
    private final List<CscdDescriptor> cscds = new ArrayList<>();
    private final List<Segment> segments = new ArrayList<>();

    /// The segment after the one that is being processed.
    private int next;

    private ExtendedCopy(ThirdPartyCopies copies, Nexus nexus, LogicalUnit unit) {
        this.copies = copies;
        this.nexus = nexus;
        this.unit = unit;
    }

    /// A block device to block device segment descriptor (SPC-4, Block device to block device
    /// operations).
    private record Segment(
            int source,
            int destination,
            boolean blocksOfDestination,
            int blocks,
            long sourceLba,
            long lba) {
        static final int TYPE = 0x02;
        private static final int DESTINATION_COUNT = 0x02;

        static Segment at(ByteBuf list, int at) {
            return new Segment(
                    list.getUnsignedShort(at + 4),
                    list.getUnsignedShort(at + 6),
                    (list.getByte(at + 1) & DESTINATION_COUNT) != 0,
                    list.getUnsignedShort(at + 10),
                    list.getLong(at + 12),
                    list.getLong(at + 20));
        }
    }

    static Outcome begin(
            ThirdPartyCopies copies, Nexus nexus, LogicalUnit unit, Cdb.ExtendedCopy cdb) {
        if (cdb.parameterListLength() == 0) {
            return Outcome.Status.GOOD;
        }
        if (cdb.parameterListLength() > DeviceServer.MAX_PARAMETER_LIST_BYTES) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        return new Outcome.ReceiveParameters(
                (int) cdb.parameterListLength(),
                (list, _) ->
                        new ExtendedCopy(copies, nexus, unit)
                                .received(list.slice(), cdb.longIdentifier()));
    }

    private Outcome received(ByteBuf list, boolean longIdentifier) {
        CopyListHeader header = CopyListHeader.of(list, longIdentifier);
        if (header == null) {
            return unit.refuse(Sense.PARAMETER_LIST_LENGTH_ERROR);
        }
        Sense refusal = header.fault() != null ? header.fault() : parse(list, header);
        if (refusal != null) {
            return unit.refuse(refusal);
        }
        int usage = list.getByte(FLAGS_BYTE) >> 3 & 0x03;
        if (usage == USAGE_RESERVED) {
            return unit.refuse(Sense.invalidFieldInParameterList(FLAGS_BYTE));
        }
        if (usage == USAGE_NO_IDENTIFIER && header.listIdentifier() != 0) {
            return unit.refuse(Sense.invalidFieldInParameterList(header.listIdentifierByte()));
        }
        if (usage == USAGE_NO_IDENTIFIER && header.immediate()) {
            // Nobody could ask what became of it.
            return unit.refuse(Sense.invalidFieldInParameterList(FLAGS_BYTE));
        }
        OptionalLong identifier =
                usage == USAGE_NO_IDENTIFIER
                        ? OptionalLong.empty()
                        : OptionalLong.of(header.listIdentifier());
        OperationCode command =
                longIdentifier
                        ? OperationCode.EXTENDED_COPY_LID4
                        : OperationCode.EXTENDED_COPY_LID1;
        return copies.start(
                nexus,
                identifier,
                new CopyOperation(new CopyOperation.Origin(command, unit, header.immediate(), 0)),
                this);
    }

    // ---- the parameter list

    private @Nullable Sense parse(ByteBuf list, CopyListHeader header) {
        long descriptors = header.cscdBytes() + header.segmentBytes();
        if (descriptors > CopyLimits.MAX_LIST_BYTES
                || header.bytes() + descriptors + header.inlineBytes() > list.readableBytes()) {
            return Sense.PARAMETER_LIST_LENGTH_ERROR;
        }
        if (header.inlineBytes() > 0) {
            return CopySense.INLINE_DATA_LENGTH_EXCEEDED;
        }
        int start = header.bytes();
        int end = start + (int) header.cscdBytes();
        Sense refusal = parseCscds(list, start, end);
        return refusal != null ? refusal : parseSegments(list, end, start + (int) descriptors);
    }

    private @Nullable Sense parseCscds(ByteBuf list, int start, int end) {
        if ((end - start) % CopyLimits.CSCD_DESCRIPTOR_BYTES != 0) {
            return Sense.invalidFieldInParameterList(CSCD_LENGTH_BYTE);
        }
        if (end - start > CopyLimits.MAX_CSCD_DESCRIPTORS * CopyLimits.CSCD_DESCRIPTOR_BYTES) {
            return CopySense.TOO_MANY_TARGET_DESCRIPTORS;
        }
        for (int at = start; at < end; at += CopyLimits.CSCD_DESCRIPTOR_BYTES) {
            if (list.getUnsignedByte(at) != CscdDescriptor.TYPE) {
                return CopySense.UNSUPPORTED_TARGET_DESCRIPTOR_TYPE;
            }
            cscds.add(CscdDescriptor.at(list, at));
        }
        return null;
    }

    private @Nullable Sense parseSegments(ByteBuf list, int start, int end) {
        for (int at = start; at < end; at += CopyLimits.SEGMENT_DESCRIPTOR_BYTES) {
            if (segments.size() == CopyLimits.MAX_SEGMENT_DESCRIPTORS) {
                return CopySense.TOO_MANY_SEGMENT_DESCRIPTORS;
            }
            if (list.getUnsignedByte(at) != Segment.TYPE) {
                return CopySense.UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE;
            }
            if (end - at < CopyLimits.SEGMENT_DESCRIPTOR_BYTES) {
                return Sense.PARAMETER_LIST_LENGTH_ERROR;
            }
            if (list.getUnsignedShort(at + 2) != CopyLimits.SEGMENT_DESCRIPTOR_BYTES - 4) {
                return Sense.invalidFieldInParameterList(at + 2);
            }
            segments.add(Segment.at(list, at));
        }
        return null;
    }

    // ---- the segments

    @Override
    public CopyRun.Next next() {
        if (next == segments.size()) {
            return new CopyRun.Next.Done();
        }
        Segment segment = segments.get(next++);
        CscdDescriptor.Resolved source = resolve(segment.source);
        CscdDescriptor.Resolved destination = resolve(segment.destination);
        if (source.unit() == null || destination.unit() == null) {
            return refused(requireNonNull(source.unit() == null ? source : destination).fault());
        }
        return stretch(segment, source.unit(), destination.unit());
    }

    private CscdDescriptor.Resolved resolve(int identifier) {
        if (identifier == CscdDescriptor.COPY_MANAGER) {
            return CscdDescriptor.Resolved.to(unit);
        }
        return identifier < cscds.size()
                ? cscds.get(identifier).resolve(copies.addressableBy(nexus))
                : CscdDescriptor.Resolved.not(CopySense.UNREACHABLE_COPY_TARGET);
    }

    private CopyRun.Next stretch(Segment segment, LogicalUnit source, LogicalUnit destination) {
        LogicalUnit counted = segment.blocksOfDestination ? destination : source;
        long bytes = counted.bytes(segment.blocks);
        if (bytes % source.bytes(1) != 0 || bytes % destination.bytes(1) != 0) {
            // Residual data is not kept, so CAT makes no difference.
            return refused(CopySense.UNEXPECTED_INEXACT_SEGMENT);
        }
        if (source.checkRange(segment.sourceLba, source.blocks(bytes)) != null
                || destination.checkRange(segment.lba, destination.blocks(bytes)) != null) {
            return refused(CopySense.BEYOND_THE_MEDIUM);
        }
        return new CopyRun.Next.Move(
                new CopyStretch(
                        source,
                        source.bytes(segment.sourceLba),
                        destination,
                        destination.bytes(segment.lba),
                        bytes));
    }

    private CopyRun.Next refused(Sense sense) {
        return new CopyRun.Next.Refused(unit.refuse(sense.inSegment(next - 1)));
    }

    @Override
    public Outcome.Status obstructed(Stretch.Obstacle obstacle) {
        return unit.refuse(CopySense.THIRD_PARTY_DEVICE_FAILURE.inSegment(next - 1));
    }
}

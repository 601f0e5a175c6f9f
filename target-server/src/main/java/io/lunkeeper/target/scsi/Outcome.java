package io.lunkeeper.target.scsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/// What a command needs next. The transport moves data and threads as the outcome says until it has
/// a [Status]. A refusal is a value here, never an exception.
public sealed interface Outcome {

    /// The command was aborted before it came to this: nothing of it will be done. Never blocks.
    default void abandoned() {}

    /// The command has ended. `sense` is empty unless `status` is CHECK CONDITION.
    ///
    /// @param status SAM-5 5.3.1 status code
    /// @param sense sense data ready for the wire, in the format that D_SENSE selects; unpooled
    record Status(int status, ByteBuf sense) implements Outcome {
        public static final Status GOOD = new Status(0x00, Unpooled.EMPTY_BUFFER);
    }

    /// Parameter data towards the initiator, already cut to the allocation length; GOOD follows.
    /// Unpooled.
    record ParameterData(ByteBuf data) implements Outcome {}

    /// `lengthBytes` of medium towards the initiator in pieces drawn in order; GOOD follows, or the
    /// sense of the failure.
    record ReadMedium(DataSource source, long lengthBytes) implements Outcome {}

    /// `lengthBytes` of medium data from the initiator in pieces of any size, offered in any order,
    /// as they arrive; then [DataSink#complete].
    record WriteMedium(DataSink sink, long lengthBytes) implements Outcome {}

    /// `lengthBytes` of parameters from the initiator, gathered whole before the next step. At most
    /// [DeviceServer#MAX_PARAMETER_LIST_BYTES].
    record ReceiveParameters(int lengthBytes, ParameterStep next) implements Outcome {}

    /// Work that may block: to be run on the LUN's I/O threads.
    record Blocking(BlockingStep work) implements Outcome {}

    /// A step that ends elsewhere and needs no thread meanwhile, such as a flush that is shared
    /// with others.
    record Awaiting(AwaitedStep step) implements Outcome {
        @Override
        public void abandoned() {
            step.abandoned();
        }
    }

    /// The same for what goes on whether anybody waits for it or not: who aborts the command does
    /// not wait for the step either.
    record Watching(AwaitedStep step) implements Outcome {}

    /// Where a [ReadMedium] comes from. Positions are bytes from the start of the command's data.
    /// Pieces are asked for in order, one at a time.
    interface DataSource {
        /// Never blocks; false: nothing was read, use [#read].
        boolean tryRead(long position, ByteBuf destination, int lengthBytes);

        /// Reads elsewhere and does not wait for it.
        ///
        /// @throws RejectedExecutionException when the LUN is closed; `then` is not called
        void read(long position, ByteBuf destination, int lengthBytes, ReadEnd then);
    }

    /// Where a command goes on after a read: called once, from any thread.
    interface ReadEnd {
        void ended(@Nullable IOException failure);
    }

    /// Where a [WriteMedium] goes. Positions are bytes from the start of the command's data.
    interface DataSink {
        /// Never blocks; false: nothing was taken, use [#write].
        boolean tryWrite(long position, ByteBuf piece);

        /// May block. Pieces of one command may come from several threads at a time.
        void write(long position, ByteBuf piece) throws IOException;

        /// All pieces are in. Never blocks.
        Outcome complete();
    }

    /// The step after the parameters are in. Never blocks; `parameters` is valid during the call.
    interface ParameterStep {
        /// Takes the parameters, fewer than asked for when the initiator announced fewer.
        ///
        /// @param announcedBytes what the initiator announced, perhaps more than was asked for
        Outcome received(ByteBuf parameters, long announcedBytes);
    }

    /// A step that goes on by itself. `begin` never blocks.
    interface AwaitedStep {
        void begin(Continuation then);

        /// What [Outcome#abandoned] says, instead of [#begin].
        default void abandoned() {}
    }

    /// Where a command goes on after an [AwaitedStep]: called once, from any thread.
    interface Continuation {
        void resume(Outcome next);
    }

    /// A step that may block.
    interface BlockingStep {
        Outcome run() throws IOException;
    }
}

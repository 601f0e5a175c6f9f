package io.lunkeeper.lun.image;

/// What is known of a block of an image.
public enum BlockState {
    /// Nothing: only the file can tell.
    UNKNOWN(0),
    /// No space is taken; reads as zeros.
    HOLE(1),
    /// Space is taken but was never written; reads as zeros.
    UNWRITTEN(2),
    /// Written: the file has its bytes, and a write there takes no more space.
    MAPPED(3),
    /// Written, and other files use the same space: a write moves it, which takes space.
    SHARED(4);

    private static final BlockState[] BY_CODE = {UNKNOWN, HOLE, UNWRITTEN, MAPPED, SHARED};

    private final int code;

    BlockState(int code) {
        this.code = code;
    }

    /// A small number that stands for the state in packed arrays, below 8.
    public int code() {
        return code;
    }

    /// The bit that stands for the state in a set of states.
    public int bit() {
        return 1 << code;
    }

    /// Whether the state is in a set of states.
    public boolean in(int states) {
        return (states & bit()) != 0;
    }

    /// The state that a number stands for.
    public static BlockState of(int code) {
        return BY_CODE[code];
    }
}

package io.lunkeeper.target.scsi;

import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/// The mode parameters that a MODE SELECT had saved (SP), which a reset and a restart bring back.
/// They are kept page by page; of what was kept only the bits count that can be changed now, so a
/// configuration without a write cache stands. A threshold that is as configured is not kept, so
/// that it follows the configuration.
final class SavedModePages {
    private final ModePages pages;
    private final ModeParameters defaults;
    private final UnitSection section;
    private volatile ModeParameters saved;

    /// @param defaults the parameters while none have been saved
    /// @throws IOException when it cannot be told what was saved
    SavedModePages(ModePages pages, ModeParameters defaults, UnitSection section)
            throws IOException {
        this.pages = pages;
        this.defaults = defaults;
        this.section = section;
        this.saved = restore(section.read());
    }

    ModeParameters now() {
        return saved;
    }

    /// Saves the parameters of the moment. May block.
    ///
    /// @throws IOException when nobody knows what will be brought back
    synchronized void save(Supplier<ModeParameters> current) throws IOException {
        ModeParameters wanted = current.get();
        Map<String, String> kept = new TreeMap<>();
        for (byte[] page : pages.pages(wanted)) {
            if (pages.saveable(page) && !pages.asConfigured(page)) {
                kept.put(key(page), HexFormat.of().formatHex(page));
            }
        }
        section.replace(kept);
        saved = wanted;
    }

    private ModeParameters restore(Map<String, String> kept) throws IOException {
        ModeParameters restored = defaults;
        try {
            for (byte[] page : pages.pages(defaults)) {
                String hex = kept.get(key(page));
                if (hex != null) {
                    byte[] merged = merged(page, HexFormat.of().parseHex(hex));
                    restored = ModePages.changed(restored, Unpooled.wrappedBuffer(merged), page[0]);
                }
            }
        } catch (IllegalArgumentException e) {
            throw section.notUnderstood(e);
        }
        return restored;
    }

    private byte[] merged(byte[] page, byte[] kept) {
        if (kept.length != page.length) {
            throw new IllegalArgumentException(key(page) + " has " + kept.length + " bytes");
        }
        byte[] changeable = pages.changeable(page);
        byte[] merged = page.clone();
        for (int i = 1; i < page.length; i++) {
            int free = i < ModePages.headerLength(page) ? 0 : changeable[i];
            merged[i] = (byte) ((page[i] & ~free) | (kept[i] & free));
        }
        return merged;
    }

    private static String key(byte[] page) {
        return "page.%02x".formatted(page[0]);
    }
}

package io.lunkeeper.target.config;

import static io.lunkeeper.target.config.Problems.quoted;

import io.lunkeeper.target.config.Configuration.Isns;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The keys of `isns`: the servers of names that are told of the targets.
final class IsnsKeys {
    private static final List<String> KEYS = List.of("servers", "entity");

    /// RFC 4171 2.9.1 Use of TCP for iSNSP.
    private static final int DEFAULT_PORT = 3205;

    /// Each has a thread and a buffer; two are usual.
    private static final int MAX_SERVERS = 8;

    /// RFC 4171 6.2.1 Entity Identifier (EID): 256 bytes with the zero at its end.
    private static final int MAX_ENTITY_BYTES = 255;

    private IsnsKeys() {}

    static Optional<Isns> read(Entry entry) {
        Optional<Section> section = entry.section(KEYS);
        if (section.isEmpty()) {
            return Optional.empty();
        }
        Section keys = section.get();
        List<InetSocketAddress> servers = new ArrayList<>();
        Optional<Entry> list = keys.required("servers", "[\"192.0.2.5:3205\"]");
        List<Entry> items = list.map(Entry::items).orElse(List.of());
        for (Entry item : items) {
            Address.readElsewhere(item, DEFAULT_PORT)
                    .ifPresent(server -> {
                        if (servers.contains(server)) {
                            item.wrong("this server is named twice; keep one");
                        }
                        servers.add(server);
                    });
        }
        if (items.size() > MAX_SERVERS) {
            list.orElseThrow().wrong("there are at most " + MAX_SERVERS + " servers");
        }
        Optional<String> entity = keys.optional("entity").flatMap(IsnsKeys::entity);
        return Optional.of(new Isns(List.copyOf(servers), entity, entry.line()));
    }

    private static Optional<String> entity(Entry entry) {
        Optional<String> name = entry.text();
        if (name.isEmpty()) {
            return name;
        }
        int bytes = name.get().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_ENTITY_BYTES) {
            return entry.wrong("has " + bytes + " bytes; at most " + MAX_ENTITY_BYTES + " fit");
        }
        return name.get().chars().anyMatch(Character::isISOControl)
                ? entry.wrong(quoted(name.get()) + " must be one line without control characters")
                : name;
    }
}

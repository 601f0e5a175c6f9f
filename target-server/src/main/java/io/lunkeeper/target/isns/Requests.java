package io.lunkeeper.target.isns;

import io.lunkeeper.target.isns.NetworkEntity.Portal;
import io.lunkeeper.target.isns.NetworkEntity.StorageNode;
import java.util.ArrayList;
import java.util.List;

/// The messages that tell a server of an entity. Each has one PDU, and what does not fit is in
/// further messages: servers in use take 8 KiB at most, and answer with what they were told and
/// more.
final class Requests {
    /// How large the attributes of a message may become before another is begun. The first has the
    /// addresses besides.
    private static final int FULL_BYTES = 3072;

    /// RFC 4171 6.2.2 Entity Protocol.
    private static final int ISCSI = 2;

    /// The portal group tag that every node has at every portal of its entity, unless something
    /// else is said (RFC 4171 3.4 Portal Group Object).
    private static final int USUAL_GROUP = 1;

    /// RFC 4171 6.4.2 iSCSI Node Type.
    private static final int TARGET = 1;

    private Requests() {}

    /// Registers all of an entity that is not empty (RFC 4171 5.6.5.1 Device Attribute Registration
    /// Request). The first message has all portals and a node, so that it can stand alone: its
    /// source is that node.
    ///
    /// @param replace whether the server is to forget what it had of an entity of that name
    static List<Request> register(NetworkEntity entity, boolean replace) {
        List<AttributeWriter> objects = objects(entity);
        List<Request> requests = new ArrayList<>();
        AttributeWriter message = registration(entity);
        boolean begun = false;
        for (AttributeWriter each : objects) {
            if (begun && message.sizeBytes() + each.sizeBytes() > FULL_BYTES) {
                requests.add(registration(replace && requests.isEmpty(), message));
                message = registration(entity);
            }
            message.add(each);
            begun = true;
        }
        requests.add(registration(replace && requests.isEmpty(), message));
        return requests;
    }

    private static Request registration(boolean replace, AttributeWriter attributes) {
        return new Request(Request.Function.REGISTER, replace, attributes.bytes());
    }

    private static AttributeWriter registration(NetworkEntity entity) {
        return new AttributeWriter()
                .text(Tag.ISCSI_NAME, entity.nodes().getFirst().name())
                .text(Tag.ENTITY_IDENTIFIER, entity.identifier())
                .delimiter()
                .text(Tag.ENTITY_IDENTIFIER, entity.identifier())
                .number(Tag.ENTITY_PROTOCOL, ISCSI);
    }

    private static List<AttributeWriter> objects(NetworkEntity entity) {
        AttributeWriter first = new AttributeWriter();
        for (Portal each : entity.portals()) {
            first.portal(Tag.PORTAL_IP_ADDRESS, Tag.PORTAL_PORT, each.address());
        }
        List<AttributeWriter> objects = new ArrayList<>();
        for (StorageNode node : entity.nodes()) {
            objects.add(objects.isEmpty() ? first : new AttributeWriter());
            node(objects.getLast(), node);
            entity.portals().stream()
                    .filter(each -> each.group() != USUAL_GROUP)
                    .forEach(each -> objects.add(group(node, each)));
        }
        return objects;
    }

    private static AttributeWriter group(StorageNode node, Portal portal) {
        return new AttributeWriter()
                .text(Tag.PG_ISCSI_NAME, node.name())
                .portal(Tag.PG_PORTAL_IP_ADDRESS, Tag.PG_PORTAL_PORT, portal.address())
                .number(Tag.PORTAL_GROUP_TAG, portal.group());
    }

    private static void node(AttributeWriter attributes, StorageNode node) {
        attributes.text(Tag.ISCSI_NAME, node.name()).number(Tag.ISCSI_NODE_TYPE, TARGET);
        if (!node.alias().isEmpty()) {
            attributes.text(Tag.ISCSI_ALIAS, node.alias());
        }
    }

    /// Asks whether the entity is still there, which also begins its registration period anew (RFC
    /// 4171 6.2.6 Registration Period).
    static Request refresh(NetworkEntity entity) {
        return new Request(
                Request.Function.QUERY,
                false,
                new AttributeWriter()
                        .text(Tag.ISCSI_NAME, entity.nodes().getFirst().name())
                        .text(Tag.ENTITY_IDENTIFIER, entity.identifier())
                        .delimiter()
                        .wanted(Tag.ENTITY_IDENTIFIER)
                        .wanted(Tag.REGISTRATION_PERIOD)
                        .bytes());
    }

    /// Takes an entity out, with everything in it (RFC 4171 5.6.5.4 Device Deregister Request).
    ///
    /// @param entity with a node that the server knows first
    static Request deregister(NetworkEntity entity) {
        return deregistration(
                new AttributeWriter()
                        .text(Tag.ISCSI_NAME, entity.nodes().getFirst().name())
                        .delimiter()
                        .text(Tag.ENTITY_IDENTIFIER, entity.identifier()));
    }

    /// Takes nodes and portals out of an entity.
    ///
    /// @param source a node that stays
    static List<Request> deregister(StorageNode source, NetworkEntity gone) {
        List<AttributeWriter> objects = new ArrayList<>();
        for (StorageNode each : gone.nodes()) {
            objects.add(new AttributeWriter().text(Tag.ISCSI_NAME, each.name()));
        }
        for (Portal each : gone.portals()) {
            objects.add(
                    new AttributeWriter()
                            .portal(Tag.PORTAL_IP_ADDRESS, Tag.PORTAL_PORT, each.address()));
        }
        List<Request> requests = new ArrayList<>();
        AttributeWriter message = new AttributeWriter();
        for (AttributeWriter each : objects) {
            message.add(each);
            if (message.sizeBytes() > FULL_BYTES || each == objects.getLast()) {
                requests.add(
                        deregistration(
                                new AttributeWriter()
                                        .text(Tag.ISCSI_NAME, source.name())
                                        .delimiter()
                                        .add(message)));
                message = new AttributeWriter();
            }
        }
        return requests;
    }

    private static Request deregistration(AttributeWriter attributes) {
        return new Request(Request.Function.DEREGISTER, false, attributes.bytes());
    }
}

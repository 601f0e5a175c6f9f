package io.lunkeeper.target.isns;

/// The attributes that are used here (RFC 4171 6.1 iSNS Attribute Summary).
final class Tag {
    static final int DELIMITER = 0;
    static final int ENTITY_IDENTIFIER = 1;
    static final int ENTITY_PROTOCOL = 2;
    static final int REGISTRATION_PERIOD = 6;
    static final int PORTAL_IP_ADDRESS = 16;
    static final int PORTAL_PORT = 17;
    static final int ISCSI_NAME = 32;
    static final int ISCSI_NODE_TYPE = 33;
    static final int ISCSI_ALIAS = 34;
    static final int PG_ISCSI_NAME = 48;
    static final int PG_PORTAL_IP_ADDRESS = 49;
    static final int PG_PORTAL_PORT = 50;
    static final int PORTAL_GROUP_TAG = 51;

    private Tag() {}
}

package io.lunkeeper.target.isns;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What a server answers, as far as it matters here (RFC 4171 5.7 iSNSP Response Messages).
///
/// @param function the ID of the request's function
/// @param status 0: done (RFC 4171 5.4 iSNS Status Codes)
/// @param entities the identifiers among the operating attributes
/// @param registrationPeriodSeconds how long what is registered stays without a word from us
record Response(
        int function,
        int transaction,
        long status,
        List<String> entities,
        OptionalLong registrationPeriodSeconds) {

    /// What marks a response among the functions.
    private static final int RESPONSE = 0x8000;

    private static final int ATTRIBUTE_HEAD_BYTES = 8;
    private static final long MAX_UNSIGNED = 0xffff_ffffL;

    private static final List<String> STATUS_WORDS =
            List.of(
                    "Successful",
                    "Unknown Error",
                    "Message Format Error",
                    "Invalid Registration",
                    "reserved",
                    "Invalid Query",
                    "Source Unknown",
                    "Source Absent",
                    "Source Unauthorized",
                    "No Such Entry",
                    "Version Not Supported",
                    "Internal Error",
                    "Busy",
                    "Option Not Understood",
                    "Invalid Update",
                    "Message Not Supported",
                    "SCN Event Rejected",
                    "SCN Registration Rejected",
                    "Attribute not Implemented",
                    "FC_DOMAIN_ID Not Available",
                    "FC_DOMAIN_ID not allocated",
                    "ESI Not Available",
                    "Invalid Deregistration",
                    "Registration Feature Not Supported");

    /// A header that can be one, and the payload that it tells of.
    ///
    /// @param pdu from its first byte to its last
    /// @return nothing for what asks for no attention: messages that are no responses, and all PDUs
    ///   of a response but the first
    static Optional<Response> decode(ByteBuffer pdu) throws MalformedMessageException {
        int function = Short.toUnsignedInt(pdu.getShort(2));
        int flags = Short.toUnsignedInt(pdu.getShort(6));
        int transaction = Short.toUnsignedInt(pdu.getShort(8));
        if ((function & RESPONSE) == 0 || (flags & Request.FIRST_PDU) == 0) {
            return Optional.empty();
        }
        ByteBuffer payload =
                pdu.slice(Request.HEADER_BYTES, pdu.remaining() - Request.HEADER_BYTES);
        if (payload.remaining() < Integer.BYTES) {
            throw new MalformedMessageException("a response without a status");
        }
        long status = Integer.toUnsignedLong(payload.getInt());
        List<String> entities = new ArrayList<>();
        OptionalLong period = OptionalLong.empty();
        boolean operating = false;
        while (status == 0 && payload.hasRemaining()) {
            if (payload.remaining() < ATTRIBUTE_HEAD_BYTES) {
                throw new MalformedMessageException("an attribute that is cut off");
            }
            int tag = payload.getInt();
            long length = Integer.toUnsignedLong(payload.getInt());
            if (length % Integer.BYTES != 0 || length > payload.remaining()) {
                throw new MalformedMessageException(
                        "attribute " + Integer.toUnsignedLong(tag) + " of " + length + " bytes");
            }
            ByteBuffer value = payload.slice(payload.position(), (int) length);
            payload.position(payload.position() + (int) length);
            operating |= tag == Tag.DELIMITER;
            if (operating && tag == Tag.ENTITY_IDENTIFIER) {
                entities.add(text(value));
            } else if (operating && tag == Tag.REGISTRATION_PERIOD && length == Integer.BYTES) {
                period = OptionalLong.of(value.getInt() & MAX_UNSIGNED);
            }
        }
        return Optional.of(
                new Response(
                        function & ~RESPONSE, transaction, status, List.copyOf(entities), period));
    }

    private static String text(ByteBuffer value) {
        String padded = StandardCharsets.UTF_8.decode(value).toString();
        int end = padded.indexOf('\0');
        return end < 0 ? padded : padded.substring(0, end);
    }

    /// The status as people read it.
    String statusText() {
        String word = status < STATUS_WORDS.size() ? STATUS_WORDS.get((int) status) : "unknown";
        return "status " + status + " (" + word + ")";
    }
}

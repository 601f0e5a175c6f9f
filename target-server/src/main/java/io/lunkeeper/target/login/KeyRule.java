package io.lunkeeper.target.login;

import java.math.BigInteger;
import java.util.List;
import java.util.OptionalInt;
import org.jscsi.target.settings.TextKeyword;

/// How the value of a [TextKey] comes about: RFC 7143 6.2.1 List Negotiations, 6.2.2 Simple-Value
/// Negotiations, and declarations, which are not negotiated.
sealed interface KeyRule {

    /// The first value of the initiator's list that is supported here.
    record Choice(List<String> supported) implements KeyRule {
        String choose(String offer) {
            for (String value : offer.split(",", -1)) {
                if (supported.contains(value)) {
                    return value;
                }
            }
            return TextKeyword.REJECT;
        }
    }

    /// Yes when one side says so. Our side always says what leaves the choice to the initiator
    /// unless `ours` is Yes.
    record Or(String ours) implements KeyRule {
        String combine(String offer) {
            return isBoolean(offer) && ours.equals(TextKeyword.YES) ? TextKeyword.YES : echo(offer);
        }
    }

    /// Yes when both sides say so; our side does.
    record And() implements KeyRule {
        String combine(String offer) {
            return echo(offer);
        }
    }

    /// The smaller of two numbers.
    record Minimum(Range range) implements KeyRule {
        String combine(String offer, int ours) {
            OptionalInt number = range.parse(offer);
            return number.isEmpty()
                    ? TextKeyword.REJECT
                    : Integer.toString(Math.min(number.getAsInt(), ours));
        }
    }

    /// The larger of two numbers.
    record Maximum(Range range) implements KeyRule {
        String combine(String offer, int ours) {
            OptionalInt number = range.parse(offer);
            return number.isEmpty()
                    ? TextKeyword.REJECT
                    : Integer.toString(Math.max(number.getAsInt(), ours));
        }
    }

    /// A number that each side declares for itself.
    record Declaration(Range range) implements KeyRule {}

    /// Text that the initiator declares.
    record Name() implements KeyRule {}

    /// Text that an authentication method judges.
    record Proof() implements KeyRule {}

    /// What only a target declares.
    record Announcement() implements KeyRule {}

    /// A question that is answered by other keys.
    record Inquiry() implements KeyRule {}

    /// One answer to whatever is offered: RFC 7143 13.25 Obsoleted Keys.
    record Obsolete(String answer) implements KeyRule {}

    private static boolean isBoolean(String value) {
        return value.equals(TextKeyword.YES) || value.equals(TextKeyword.NO);
    }

    private static String echo(String offer) {
        return isBoolean(offer) ? offer : TextKeyword.REJECT;
    }

    /// The numbers that a key admits, both ends included.
    record Range(int least, int most) {

        /// Reads a numerical value of RFC 7143 6.1 Text Format: decimal without leading zeros, or
        /// hexadecimal behind 0x. A base64 constant is for binary values and is none here.
        ///
        /// @return empty when it is no number or outside the range
        OptionalInt parse(String value) {
            boolean hexadecimal = value.startsWith("0x") || value.startsWith("0X");
            String digits = hexadecimal ? value.substring(2) : value;
            int radix = hexadecimal ? 16 : 10;
            if (digits.isEmpty() || digits.length() > TextKeys.MAX_VALUE_BYTES) {
                return OptionalInt.empty();
            }
            if (!hexadecimal && digits.length() > 1 && digits.charAt(0) == '0') {
                return OptionalInt.empty();
            }
            for (int index = 0; index < digits.length(); index++) {
                char digit = digits.charAt(index);
                if (digit >= 0x80 || Character.digit(digit, radix) < 0) {
                    return OptionalInt.empty();
                }
            }
            BigInteger number = new BigInteger(digits, radix);
            boolean fits =
                    number.compareTo(BigInteger.valueOf(least)) >= 0
                            && number.compareTo(BigInteger.valueOf(most)) <= 0;
            return fits ? OptionalInt.of(number.intValueExact()) : OptionalInt.empty();
        }
    }
}

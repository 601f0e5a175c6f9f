package io.lunkeeper.target.isns;

/// How it stands with one server.
///
/// @param server its address, as `host:port`
/// @param targets how many are registered there, as far as is known
/// @param trouble what went wrong last; empty: the server has answered since
/// @param refreshes how often the registration was found to be there still
/// @param failures how often the server could not be reached, or refused, or did not answer
public record IsnsStatus(
        String server, int targets, String trouble, long refreshes, long failures) {

    IsnsStatus failed(String reason) {
        return new IsnsStatus(server, targets, reason, refreshes, failures + 1);
    }

    IsnsStatus settled(int registered) {
        return new IsnsStatus(server, registered, "", refreshes, failures);
    }

    IsnsStatus refreshed() {
        return new IsnsStatus(server, targets, trouble, refreshes + 1, failures);
    }
}

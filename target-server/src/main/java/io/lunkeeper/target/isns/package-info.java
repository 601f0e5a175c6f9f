/// The client of an Internet Storage Name Service (RFC 4171): tells servers of it which targets
/// there are and where, so that initiators need not know our addresses. Beside the data path; uses
/// no other room, and whoever wires it hands in what is to be registered. [Registration] decides
/// and knows neither socket nor clock (time is a parameter), [IsnsClient] has both. Start with
/// [IsnsClient], then [Registration].
@NullMarked
package io.lunkeeper.target.isns;

import org.jspecify.annotations.NullMarked;

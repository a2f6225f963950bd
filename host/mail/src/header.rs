//! Header fields (RFC 5322 section 2.2): writing them so that nothing a peer sent can break out of one, and
//! reading what the gateway must know of those that came.

mod date;
mod encoded_word;
mod facts;
mod fields;
mod results;
mod scanner;
mod trace;

pub use date::date_time;
pub(crate) use facts::guarded;
pub use facts::{HeaderFacts, facts};
pub use fields::{FieldName, Fields};
pub use scanner::{HeaderScanner, Seen};
pub use trace::{AuthenticationResults, Received, authserv_id, received_id};

#[cfg(test)]
mod tests;

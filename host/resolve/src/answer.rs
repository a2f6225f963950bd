//! What a look-up gives, and turning DNS messages into it.

use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError as NetDnsError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, Record};

use crate::limits::{ALIASES, ANSWER_BYTES, RECORDS};

/// The TXT records of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxtAnswer {
    /// Each record's strings joined to one (RFC 7208 section 3.3 does the same); bytes that are not UTF-8 become
    /// U+FFFD. 1 to [`RECORDS`], together at most [`ANSWER_BYTES`].
    pub records: Vec<String>,
    /// What DNSSEC says of them.
    pub dnssec: Dnssec,
}

/// What DNSSEC says of an answer (RFC 4033 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dnssec {
    /// Signed, and the chain of signatures holds from the root's keys down.
    Secure,
    /// Not signed, or nobody looked.
    Insecure,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The name does not exist, or has no TXT record. Final.
    #[error("there is no such record in DNS")]
    NoRecord,
    /// No answer in time, a failing server, or an answer beyond the bounds. Trying again later may help.
    #[error("DNS did not answer: {0}")]
    Unavailable(String),
    /// DNSSEC says that the answer was forged, or proofs were missing that had to be there.
    #[error("DNSSEC says that the answer was forged or broken on its way")]
    Bogus,
    /// Not a name DNS can be asked for.
    #[error("this is not a name for DNS: {0}")]
    InvalidName(#[from] crate::name::InvalidName),
}

impl DnsError {
    pub(crate) fn unavailable(text: impl Into<String>) -> Self {
        Self::Unavailable(text.into())
    }
}

/// Reads the answer of the resolver to a question for `name`. `validated` says whether its proofs mean anything.
///
/// Records of other names are passed over, also signed ones: whoever answers could add a record of a domain of
/// their own, and its signature would hold.
pub(crate) fn read(lookup: &Lookup, name: &Name, validated: bool) -> Result<TxtAnswer, DnsError> {
    let (owner, mut secure) = follow_aliases(lookup.answers(), name);
    let mut records = Vec::new();
    let mut size = 0_usize;
    for record in lookup.answers().iter().filter(|record| record.name == *owner) {
        let RData::TXT(txt) = &record.data else { continue };
        secure &= record.proof == Proof::Secure;
        let bytes = txt.txt_data.concat();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        size = size.saturating_add(text.len());
        if records.len() == RECORDS || size > ANSWER_BYTES {
            return Err(DnsError::unavailable("the name has more TXT records than are read"));
        }
        records.push(text);
    }
    if records.is_empty() {
        return Err(DnsError::NoRecord);
    }
    let dnssec = if secure && validated { Dnssec::Secure } else { Dnssec::Insecure };
    Ok(TxtAnswer { records, dnssec })
}

/// The name that `name` is an alias of in the end (CNAME, RFC 1034 section 3.6.2), and whether every step was
/// signed.
fn follow_aliases<'a>(records: &'a [Record], name: &'a Name) -> (&'a Name, bool) {
    let (mut owner, mut secure) = (name, true);
    for _ in 0..ALIASES {
        let step = records.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == *owner => Some((&target.0, record.proof)),
            _ => None,
        });
        let Some((target, proof)) = step else { break };
        owner = target;
        secure &= proof == Proof::Secure;
    }
    (owner, secure)
}

/// Reads the failure of the resolver.
pub(crate) fn read_error(error: NetError) -> DnsError {
    match error {
        NetError::Dns(NetDnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain | ResponseCode::NoError => DnsError::NoRecord,
            code => DnsError::unavailable(format!("the server failed ({code})")),
        },
        NetError::Dns(NetDnsError::DnssecBogus) => DnsError::Bogus,
        // The proof that there is nothing was itself not proven.
        NetError::Dns(NetDnsError::Nsec { proof: Proof::Insecure, .. }) => DnsError::NoRecord,
        NetError::Dns(NetDnsError::Nsec { .. }) => DnsError::Bogus,
        NetError::Dns(NetDnsError::ResponseCode(code)) => {
            DnsError::unavailable(format!("the server failed ({code})"))
        }
        NetError::Timeout => DnsError::unavailable("no answer in time"),
        NetError::NoConnections => DnsError::unavailable("no DNS server could be reached"),
        NetError::Busy => DnsError::unavailable("too many look-ups at once"),
        NetError::Io(error) => DnsError::unavailable(error.to_string()),
        other => DnsError::unavailable(format!("the server's answer makes no sense ({other})")),
    }
}

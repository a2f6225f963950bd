//! Which server is asked, and how.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::dnssec;

use crate::limits::{LOOKUP_TIME, TRUST_ANCHOR_BYTES};

/// How look-ups are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server to ask; None for the system's (`/etc/resolv.conf`, read again when it stops answering).
    pub server: Option<SocketAddr>,
    /// How long one look-up may take in all.
    pub timeout: Duration,
    /// What is made of signatures.
    pub validation: Validation,
    /// The keys that signatures must lead to.
    pub trust_anchors: TrustAnchors,
}

impl Default for Settings {
    /// The system's servers, [`LOOKUP_TIME`], signatures when offered, from the root's keys.
    fn default() -> Self {
        Self {
            server: None,
            timeout: LOOKUP_TIME,
            validation: Validation::WhenOffered,
            trust_anchors: TrustAnchors::default(),
        }
    }
}

/// What is made of DNSSEC; the crate's page says what each means for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    /// Nobody looks: every answer is insecure.
    Off,
    /// Signatures are checked if the server hands them over.
    WhenOffered,
    /// Signatures are always checked.
    Required,
}

/// The keys that every chain of signatures must lead to. By default the root's (IANA key tags 20326 and 38696).
#[derive(Clone, Default)]
pub struct TrustAnchors(pub(crate) Arc<dnssec::TrustAnchors>);

/// The text holds no DNSKEY record that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("trust anchors are DNSKEY records, one a line, as in a zone file: {0}")]
pub struct InvalidTrustAnchors(String);

impl FromStr for TrustAnchors {
    type Err = InvalidTrustAnchors;

    /// Reads DNSKEY records in zone file form (RFC 4034 section 2.2), at most [`TRUST_ANCHOR_BYTES`], the root's among
    /// them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > TRUST_ANCHOR_BYTES {
            return Err(InvalidTrustAnchors(format!("more than {TRUST_ANCHOR_BYTES} bytes")));
        }
        let anchors: dnssec::TrustAnchors =
            text.parse().map_err(|error| InvalidTrustAnchors(format!("{error}")))?;
        if anchors.is_empty() {
            return Err(InvalidTrustAnchors("there is no key of the root among them".to_owned()));
        }
        Ok(Self(Arc::new(anchors)))
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TrustAnchors({} root keys)", self.0.len())
    }
}

/// Why a text names no DNS server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServer {
    /// The text is not of the form HOST:PORT.
    #[error("`{0}` names no DNS server: write HOST:PORT, as in 9.9.9.9:53")]
    Form(String),
    /// The system does not know the host.
    #[error("the DNS server `{0}` was not found: write its IP address and port, as in 9.9.9.9:53")]
    Unknown(String),
}

/// The address of a DNS server written as `HOST:PORT` or as an IP address alone (then port 53). A host name is looked
/// up with the system's own means.
///
/// # Errors
/// [`InvalidServer`], for the user.
pub async fn server_address(text: &str) -> Result<SocketAddr, InvalidServer> {
    const DNS_PORT: u16 = 53;
    if let Ok(address) = text.parse::<SocketAddr>() {
        return if address.port() == 0 { Err(InvalidServer::Form(shown(text))) } else { Ok(address) };
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, DNS_PORT));
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(|| InvalidServer::Form(shown(text)))?;
    let port: u16 =
        port.parse().ok().filter(|port| *port != 0).ok_or_else(|| InvalidServer::Form(shown(text)))?;
    if host.parse::<crate::DnsName>().is_err() {
        return Err(InvalidServer::Form(shown(text)));
    }
    let mut found =
        tokio::net::lookup_host((host, port)).await.map_err(|_| InvalidServer::Unknown(shown(text)))?;
    found.next().ok_or_else(|| InvalidServer::Unknown(shown(text)))
}

fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(100).collect()
}

//! Where a server listens, as people write it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::de::{self, Deserializer, Visitor};

/// Why a text is not such an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidListenAddress {
    /// More than one address.
    #[error(
        "`{0}` is more than one address, but each server has one: write one, as in 127.0.0.1:2525; [::]:2525 listens on every \
         address of this machine, over TLS"
    )]
    Several(String),
    /// A host name.
    #[error(
        "`{0}` names a host: write an IP address of this machine, as in 127.0.0.1:2525 (only this machine) or 192.168.1.5:2525 \
         (the local network, over TLS)"
    )]
    Name(String),
    /// Digits and dots that are not an IP address.
    #[error("`{0}` has no IP address: write four numbers from 0 to 255, as in 127.0.0.1:2525")]
    Address(String),
    /// The port.
    #[error(
        "`{0}` has no port from 0 to 65535: write the port after a colon, as in 127.0.0.1:2525 or [::1]:2525 (0 picks a free one)"
    )]
    Port(String),
}

/// `ADDRESS:PORT`. A port alone, `:PORT` and `localhost:PORT` mean only this machine (127.0.0.1).
///
/// # Errors
/// [`InvalidListenAddress`], with an example.
pub fn parse(text: &str) -> Result<SocketAddr, InvalidListenAddress> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let shown: String = text.chars().filter(|char| !char.is_control()).take(100).collect();
    if text.contains([',', ';', ' ']) {
        return Err(InvalidListenAddress::Several(shown));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse::<u16>().ok().filter(|_| is_port);
    // An address of version 6 without brackets has colons of its own.
    let Some(port) = port.filter(|_| text.parse::<IpAddr>().is_err()) else {
        return Err(InvalidListenAddress::Port(shown));
    };
    if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    // Brackets round an address of version 4, or none round one of version 6: with the port told from it, that is certain.
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    if bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(InvalidListenAddress::Address(shown));
    }
    Err(InvalidListenAddress::Name(shown))
}

/// The value of a key: such a text, or a port as a number.
///
/// # Errors
/// As [`parse`].
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    struct Written;

    impl<'de> Visitor<'de> for Written {
        type Value = SocketAddr;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("one address with port in quotes, as in \"127.0.0.1:2525\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<SocketAddr, E> {
            parse(text).map_err(E::custom)
        }

        fn visit_i64<E: de::Error>(self, port: i64) -> Result<SocketAddr, E> {
            parse(&port.to_string()).map_err(E::custom)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut texts: A) -> Result<SocketAddr, A::Error> {
            let mut all: Vec<String> = Vec::new();
            while let Some(text) = texts.next_element()? {
                all.push(text);
            }
            match all.as_slice() {
                [one] => parse(one).map_err(de::Error::custom),
                _ => Err(de::Error::custom(InvalidListenAddress::Several(all.join(", ")))),
            }
        }
    }

    deserializer.deserialize_any(Written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_is_taken() {
        for (text, meant) in [
            ("127.0.0.1:2525", "127.0.0.1:2525"),
            ("[::1]:2525", "[::1]:2525"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("localhost:2525", "127.0.0.1:2525"),
            ("LOCALHOST:0", "127.0.0.1:0"),
            (":2525", "127.0.0.1:2525"),
            (":0", "127.0.0.1:0"),
            ("2525", "127.0.0.1:2525"),
            (" 127.0.0.1:1 ", "127.0.0.1:1"),
            ("[127.0.0.1]:1", "127.0.0.1:1"),
            ("::1:25254", "[::1]:25254"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), meant, "{text}");
            // What is printed is read back.
            assert_eq!(parse(meant).unwrap().to_string(), meant);
        }
    }

    #[test]
    fn what_is_not_is_refused_with_an_example() {
        for text in [
            "",
            ":",
            "nonsense",
            "mail.example.org:2525",
            "*:2525",
            "127.0.0.1",
            "::1",
            "::1:2525",
            "127.0.0.1:65536",
            "127.0.0.1:-1",
            "127.0.0.1:+1",
            "127.0.0.1:2525,[::1]:2525",
            "127.0.0.1:2525 [::1]:2525",
            "localhost",
            "127.0.0.256:1",
            "127.1:1",
            "127.0.0.1:",
            "fe80::1%eth0:25",
            "\u{661}",
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("127.0.0.1:2525"), "{text}: {error}");
        }
    }
}

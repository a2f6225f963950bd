//! Signed, unsigned and forged answers.

use std::time::Duration;

use crate::fixture::named::{Named, State, Zone};
use resolve::{Dns, DnsError, Dnssec, Settings, TrustAnchors, Validation};
use tokio::runtime::Handle;

/// A root of our own: `anna.signed` in it, and a delegation to the unsigned zone `plain.`
fn server(root: State) -> Named {
    Named::start(&[
        Zone {
            name: ".",
            records: "ns.test. A 127.0.0.1\nanna.signed. TXT \"forge-me\"\nalias.signed. CNAME anna.signed.\nplain. NS ns.test.\n",
            state: root,
        },
        Zone { name: "plain.", records: "anna TXT \"here\"\n", state: State::Unsigned },
    ])
}

fn dns(server: &Named, validation: Validation, anchors: &str) -> Dns {
    let settings = Settings {
        server: Some(server.address),
        timeout: Duration::from_secs(5),
        validation,
        trust_anchors: anchors.parse().unwrap(),
    };
    Dns::new(settings, &Handle::current()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_followed_from_the_root() {
    let server = server(State::Signed);
    for validation in [Validation::WhenOffered, Validation::Required] {
        let dns = dns(&server, validation, &server.anchors);
        for name in ["anna.signed", "alias.signed"] {
            // Twice: from the server, then from the cache.
            for _ in 0..2 {
                let answer = dns.lookup_txt(name).await.unwrap();
                assert_eq!(
                    (answer.records[0].as_str(), answer.dnssec),
                    ("forge-me", Dnssec::Secure),
                    "{name}"
                );
            }
        }
        for _ in 0..2 {
            let answer = dns.lookup_txt("anna.plain").await.unwrap();
            assert_eq!((answer.records[0].as_str(), answer.dnssec), ("here", Dnssec::Insecure));
        }
        assert_eq!(dns.lookup_txt("nobody.signed").await, Err(DnsError::NoRecord));
        assert_eq!(dns.lookup_txt("nobody.plain").await, Err(DnsError::NoRecord));
    }
    let answer = dns(&server, Validation::Off, &server.anchors).lookup_txt("anna.signed").await.unwrap();
    assert_eq!(answer.dnssec, Dnssec::Insecure);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_answer_is_refused() {
    let server = server(State::Forged);
    for validation in [Validation::WhenOffered, Validation::Required] {
        let dns = dns(&server, validation, &server.anchors);
        for _ in 0..2 {
            assert_eq!(dns.lookup_txt("anna.signed").await, Err(DnsError::Bogus));
        }
        // What was not touched is still believed.
        assert_eq!(dns.lookup_txt("anna.plain").await.unwrap().dnssec, Dnssec::Insecure);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_signatures_nothing_is_secure() {
    let server = server(State::Unsigned);
    let other = Named::start(&[Zone { name: ".", records: "ns.test. A 127.0.0.1\n", state: State::Signed }]);
    let answer =
        dns(&server, Validation::WhenOffered, &other.anchors).lookup_txt("anna.signed").await.unwrap();
    assert_eq!(answer.dnssec, Dnssec::Insecure);
    let required = dns(&server, Validation::Required, &other.anchors);
    assert_eq!(required.lookup_txt("anna.signed").await, Err(DnsError::Bogus));
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_other_keys_are_not_believed() {
    let (server, other) = (server(State::Signed), server(State::Signed));
    let required = dns(&server, Validation::Required, &other.anchors);
    assert_eq!(required.lookup_txt("anna.signed").await, Err(DnsError::Bogus));
    let offered = dns(&server, Validation::WhenOffered, &other.anchors);
    assert_eq!(offered.lookup_txt("anna.signed").await.unwrap().dnssec, Dnssec::Insecure);
}

#[test]
fn trust_anchors_are_checked() {
    assert!("nonsense".parse::<TrustAnchors>().is_err());
    assert!("x".repeat(100_000).parse::<TrustAnchors>().is_err());
}

use super::*;
use crate::tox_id::tests::ID;

/// One account `anna`, one contact `ben`, and one answer of DNS.
struct Table {
    dns: Result<TxtAnswer, DnsError>,
}

fn ben() -> Contact {
    Contact {
        alias: "ben".into(),
        key: ID[..64].into(),
        tox_id: Some(ID.into()),
        addresses: vec!["ben@example.org".into()],
        confirmed: true,
    }
}

impl Sources for Table {
    fn account_of(&self, address: &str) -> Option<String> {
        (address == "anna@tox").then(|| "anna".into())
    }
    fn by_alias(&self, alias: &str) -> Option<Contact> {
        (alias == "ben").then(ben)
    }
    fn by_key(&self, key: &str) -> Option<Contact> {
        (key == ben().key).then(ben)
    }
    fn by_address(&self, address: &str) -> Option<Contact> {
        // The gateway knows whose key an address spells as well.
        let known =
            ["ben@example.org".to_owned(), "benny@tox".to_owned(), format!("{}@tox", ID.to_lowercase())];
        known.contains(&address.to_lowercase()).then(ben)
    }
    fn lookup_txt(&self, name: &str) -> Result<TxtAnswer, DnsError> {
        assert!(["cleo._tox.example.org", "ben._tox.example.org"].contains(&name), "{name}");
        self.dns.clone()
    }
}

fn ask(address: &str) -> Answer {
    ask_dns(address, Err(DnsError::NoRecord))
}

fn ask_dns(address: &str, dns: Result<TxtAnswer, DnsError>) -> Answer {
    resolve(address, &Table { dns })
}

fn tox_id(answer: Answer) -> (String, Source, Trust) {
    let resolution = answer.unwrap();
    let Target::ToxId(id) = resolution.target else { panic!("no Tox ID: {:?}", resolution.target) };
    (id, resolution.source, resolution.trust)
}

fn not_found_text(answer: Answer) -> String {
    let Err(ResolveError::NotFound(text)) = answer else { panic!("{answer:?}") };
    text
}

#[test]
fn a_literal_tox_id_means_itself() {
    for domain in ["tox", "tox.internal", "TOX"] {
        let (id, source, trust) = tox_id(ask(&format!("{}@{domain}", ID.to_lowercase())));
        assert_eq!(id, ID);
        assert!(matches!((source, trust), (Source::Literal, Trust::Verified)));
    }
}

#[test]
fn a_mistyped_tox_id_is_told() {
    assert!(not_found_text(ask(&format!("{}@tox", ID.replace("56A1", "56A2")))).contains("checksum"));
    assert!(not_found_text(ask(&format!("{}@tox", &ID[..75]))).contains("75"));
}

#[test]
fn a_key_reaches_contacts_only() {
    let known = ask(&format!("{}@tox", &ID[..64].to_lowercase())).unwrap();
    assert!(matches!(known.target, Target::Key(key) if key == ID[..64]));
    assert!(not_found_text(ask(&format!("{}@tox", "AB".repeat(32)))).contains("76 digits"));
}

#[test]
fn accounts_and_contacts_are_found() {
    assert!(matches!(ask("anna@tox").unwrap().target, Target::Account(name) if name == "anna"));
    assert!(matches!(tox_id(ask("ben@tox")), (id, Source::Contact, Trust::Verified) if id == ID));
    assert!(matches!(tox_id(ask("ben+shop@tox")), (id, Source::Contact, _) if id == ID));
    assert!(matches!(tox_id(ask("benny+x@tox.internal")), (id, Source::Contact, _) if id == ID));
    assert!(not_found_text(ask("nobody@tox")).contains("toxmail contact add"));
}

#[test]
fn dns_is_asked_before_a_contact_whose_name_it_is() {
    let other = "00".repeat(38);
    let record = |record: String| Ok(TxtAnswer { records: vec![record], dnssec: Dnssec::Insecure });
    let (id, source, _) = tox_id(ask_dns("ben@example.org", record(format!("v=tox1;id={other}"))));
    assert!(id == other && matches!(source, Source::Dns));
    assert!(not_found_text(ask_dns("ben@example.org", record("v=tox1".into()))).contains("`id=`"));
    let silent = [
        Err(DnsError::NoRecord),
        Err(DnsError::Unavailable("timeout".into())),
        Err(DnsError::Bogus),
        record("v=spf1 -all".into()),
    ];
    for answer in silent {
        let (id, source, _) = tox_id(ask_dns("ben@example.org", answer));
        assert!(id == ID && matches!(source, Source::Contact));
    }
}

#[test]
fn a_subaddress_is_looked_up_without_it() {
    let records = vec![format!("v=tox1;id={ID}")];
    let answer = ask_dns("Cleo+Shop@Example.org", Ok(TxtAnswer { records, dnssec: Dnssec::Secure }));
    assert_eq!(tox_id(answer).0, ID);
}

#[test]
fn what_is_wrong_with_a_record_is_said() {
    let records = vec![format!("v=tox1;id={}", &ID[..64])];
    let text =
        not_found_text(ask_dns("cleo@example.org", Ok(TxtAnswer { records, dnssec: Dnssec::Insecure })));
    assert!(text.contains("has 64 hex digits") && text.contains("v=tox1;id="), "{text}");
}

#[test]
fn dns_is_trusted_as_far_as_it_is_signed() {
    let records = vec![format!("v=tox1;id={ID}")];
    for (dnssec, expected) in [(Dnssec::Secure, Trust::Verified), (Dnssec::Insecure, Trust::FirstUse)] {
        let answer = ask_dns("Cleo@Example.org", Ok(TxtAnswer { records: records.clone(), dnssec }));
        let (id, source, trust) = tox_id(answer);
        assert_eq!((id.as_str(), trust), (ID, expected));
        assert!(matches!(source, Source::Dns));
    }
}

#[test]
fn dns_trouble_is_passing_and_a_missing_record_final() {
    let ask = |error| ask_dns("cleo@example.org", Err(error));
    assert!(matches!(ask(DnsError::Unavailable("timeout".into())), Err(ResolveError::TryLater(_))));
    assert!(matches!(ask(DnsError::Bogus), Err(ResolveError::TryLater(_))));
    assert!(not_found_text(ask(DnsError::NoRecord)).contains("no Tox record"));
}

#[test]
fn an_unsafe_record_is_refused() {
    let answer = TxtAnswer { records: vec!["v=tox2;pub=00;check=00".into()], dnssec: Dnssec::Secure };
    assert!(not_found_text(ask_dns("cleo@example.org", Ok(answer))).contains("not safe"));
}

#[test]
fn what_is_no_address_is_told() {
    assert!(not_found_text(ask("nobody")).contains("name@domain"));
}

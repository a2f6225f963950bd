//! Look-ups at a real server.

use std::time::Duration;

use crate::fixture::dns;
use crate::fixture::named::{Named, State, Zone};
use resolve::{DnsError, Dnssec, InvalidName, Validation};

const ID: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";

fn server() -> Named {
    let a = "a".repeat(200);
    let b = "b".repeat(200);
    let mut records = format!(
        "anna._tox TXT \"v=tox1;id={ID}\"\n\
         split TXT \"one \" \"two \" \"three\"\n\
         several TXT \"first\"\nseveral TXT \"second\"\n\
         long TXT \"{a}\" \"{b}\" \"{a}\" \"{b}\"\n\
         alias CNAME anna._tox\n\
         nothing A 127.0.0.1\n\
         bytes TXT \"\\255ok\"\n\
         empty TXT \"\"\n"
    );
    for number in 0..40 {
        records += &format!("large TXT \"{number:03}{a}\"\n");
    }
    for number in 0..65 {
        records += &format!("crowded TXT \"{number}\"\n");
    }
    for number in 0..60 {
        records += &format!("huge TXT \"{number:03}{a}\" \"{b}\"\n");
    }
    Named::start(&[
        Zone { name: "example.", records: &records, state: State::Unsigned },
        Zone { name: "broken.", records: "", state: State::Broken },
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_is_asked() {
    let server = server();
    let dns = dns(server.address, Validation::Off);
    let records = async |name: &str| dns.lookup_txt(name).await.map(|answer| answer.records);

    assert_eq!(records("anna._tox.example").await.unwrap(), [format!("v=tox1;id={ID}")]);
    assert_eq!(records("ANNA._TOX.EXAMPLE.").await.unwrap(), [format!("v=tox1;id={ID}")]);
    assert_eq!(records("split.example").await.unwrap(), ["one two three"]);
    assert_eq!(records("alias.example").await.unwrap(), [format!("v=tox1;id={ID}")]);
    assert_eq!(records("bytes.example").await.unwrap(), ["\u{fffd}ok"]);
    assert_eq!(records("empty.example").await.unwrap(), [""]);
    let mut several = records("several.example").await.unwrap();
    several.sort();
    assert_eq!(several, ["first", "second"]);
    // Over 512 bytes, and over what one UDP packet carries: TCP.
    assert_eq!(records("long.example").await.unwrap()[0].len(), 800);
    assert_eq!(records("large.example").await.unwrap().len(), 40);

    assert_eq!(records("nobody.example").await, Err(DnsError::NoRecord));
    assert_eq!(records("nothing.example").await, Err(DnsError::NoRecord));
    assert_eq!(records("localhost").await, Err(DnsError::NoRecord));
    assert_eq!(records("not a name").await, Err(DnsError::InvalidName(InvalidName::Character)));
    for (name, text) in [
        ("x.broken", "SERVFAIL"),
        ("somewhere.else", "REFUSED"),
        ("crowded.example", "more TXT records"),
        ("huge.example", "more TXT records"),
    ] {
        let Err(DnsError::Unavailable(problem)) = records(name).await else { panic!("{name} was answered") };
        let problem =
            problem.to_uppercase().replace("SERVER FAILURE", "SERVFAIL").replace("QUERY REFUSED", "REFUSED");
        assert!(problem.contains(&text.to_uppercase()), "{name}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_thread_can_ask_too() {
    let server = server();
    let dns = dns(server.address, Validation::WhenOffered);
    let answer = std::thread::spawn(move || {
        (
            dns.lookup_txt_blocking("anna._tox.example", Duration::from_secs(5)),
            dns.lookup_txt_blocking("..", Duration::MAX),
        )
    })
    .join()
    .unwrap();
    let found = answer.0.unwrap();
    assert_eq!((found.records.len(), found.dnssec), (1, Dnssec::Insecure));
    assert_eq!(answer.1, Err(DnsError::InvalidName(InvalidName::EmptyLabel)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_look_ups_at_once_all_get_their_answer() {
    let server = server();
    let dns = dns(server.address, Validation::Off);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let dns = dns.clone();
        // A different name each, so that the cache does not answer.
        tasks.spawn(async move { dns.lookup_txt(&format!("n{number}.example")).await });
    }
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(answer.unwrap(), Err(DnsError::NoRecord));
    }
}

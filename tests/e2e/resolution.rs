//! Recipients found in DNS.

use tests::dns::DnsServer;
use tests::{Gateway, network, smtp, wait};

#[test]
fn a_name_in_dns_leads_to_a_tox_id_and_its_key_is_pinned() {
    let b = Gateway::start(network());
    let record = |id: &str| format!("ben._tox IN TXT \"v=tox1;id={}\" \"{}\"\n", &id[..20], &id[20..]);
    let a;
    {
        let dns = DnsServer::start(&record(&b.tox_id()));
        a = Gateway::start_with(network(), &["--dns", &dns.address()]);
        let text = b"Subject: by name\r\n\r\nfound in DNS\r\n";
        a.submit("ben@example.test", text);
        let key = &a.tox_id()[..64];
        wait::until("the friend request", || {
            let requests = b.json(&["contact", "requests"]);
            requests.as_array()?.iter().any(|request| request["key"] == key).then_some(())
        });
        let _ = b.json(&["contact", "accept", key, "anna"]);
        let _ = b.wait_for_mail(text);

        let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
        let refused = session.send(&a.address(), &["nobody@example.test"], b"x\r\n").unwrap_err();
        assert!(refused.starts_with("550 5.1.1"), "{refused}");
    }
    // The DNS server is gone: trouble, not an unknown recipient.
    let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
    let refused = session.send(&a.address(), &["carla@example.test"], b"x\r\n").unwrap_err();
    assert!(refused.starts_with("451 4.4.3"), "{refused}");
}

#[test]
fn a_changed_key_in_dns_is_held_for_the_user() {
    let old = mail::ToxId { key: mail::PublicKey([9; 32]), nospam: mail::Nospam([0; 4]) };
    let new = mail::ToxId { key: mail::PublicKey([8; 32]), nospam: mail::Nospam([0; 4]) };
    let port = tests::network::free_port();
    let dns = DnsServer::start_on(port, &format!("eve._tox 1 IN TXT \"v=tox1;id={old}\"\n"));
    let a = Gateway::start_with(network(), &["--dns", &dns.address()]);
    a.submit("eve@example.test", b"Subject: first\r\n\r\nfirst\r\n");
    drop(dns);
    let _dns = DnsServer::start_on(port, &format!("eve._tox 0 IN TXT \"v=tox1;id={new}\"\n"));
    let refused = wait::until("the new key to be seen", || {
        let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
        session
            .send(&a.address(), &["eve@example.test"], b"x\r\n")
            .err()
            .filter(|reply| !reply.contains("4.4.3"))
    });
    assert!(refused.starts_with("45"), "{refused}");
    assert!(refused.contains("key"), "{refused}");
    let pins = a.json(&["pin", "list"]);
    assert_eq!(pins.as_array().unwrap().len(), 1, "{pins}");
    let _ = a.json(&["pin", "accept", "eve@example.test"]);
    a.submit("eve@example.test", b"Subject: second\r\n\r\nsecond\r\n");
}

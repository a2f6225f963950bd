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

#[test]
fn a_record_as_a_dns_panel_makes_it_is_read_and_what_is_wrong_with_another_is_said() {
    let id = mail::ToxId { key: mail::PublicKey([9; 32]), nospam: mail::Nospam([0; 4]) }.to_string();
    let records = format!(
        "quoted._tox IN TXT \"\\\"v = TOX1 , ID = {}\" \"{}\\\"\"\n\
         short._tox IN TXT \"v=tox1;id={}\"\n\
         mistyped._tox IN TXT \"v=tox1;id={}1\"\n",
        &id[..20],
        &id[20..],
        &id[..64],
        &id[..75],
    );
    let dns = DnsServer::start(&records);
    let a = Gateway::start_with(network(), &["--dns", &dns.address()]);
    a.submit("quoted+shop@example.test", b"Subject: by name\r\n\r\nfound in DNS\r\n");
    let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
    for (to, why) in [("short@example.test", "64 hex digits"), ("mistyped@example.test", "checksum")] {
        let reply = session.send(&a.address(), &[to], b"x\r\n").unwrap_err();
        assert!(reply.starts_with("550 5.1.1") && reply.contains(why), "{reply}");
        let _ = session.command("RSET");
    }
}

#[test]
fn mail_for_postmaster_and_subaddresses_is_the_owners_and_a_subaddress_may_be_the_sender() {
    let a = Gateway::start(network());
    let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
    let texts: [&[u8]; 3] =
        [b"Subject: one\r\n\r\none\r\n", b"Subject: two\r\n\r\ntwo\r\n", b"Subject: three\r\n\r\nthree\r\n"];
    session.send(&a.address(), &["Postmaster"], texts[0]).unwrap();
    session.send("owner+shop@tox", &["POSTMASTER@tox.internal"], texts[1]).unwrap();
    session.send("postmaster@tox", &["owner+shop@tox"], texts[2]).unwrap();
    for text in texts {
        let _ = a.wait_for_mail(text);
    }
}

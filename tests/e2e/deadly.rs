//! A mail that ends the process while filters look at it ends it twice at most.

use tests::{Gateway, befriend, network, smtp, wait};

/// A filter that looks at each mail for a minute: time to end the process meanwhile.
fn think(gateway: &Gateway) {
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == "mail-filter").unwrap();
    std::fs::write(gateway.path("guest.wasm"), guest.bytes).unwrap();
    let set = gateway.path("set.toml");
    let entry = "[[entry]]\nslot = 'mail-filter'\nfile = 'guest.wasm'\nsettings = { do = 'spin' }\nlimits = { call-ms = 60000 }\n";
    std::fs::write(&set, entry).unwrap();
    let _ = gateway.json(&["policy-set", "use", set.to_str().unwrap()]);
}

/// Waits until filters look at a mail for the `time`th time, and ends the process.
fn die(gateway: &mut Gateway, time: &str) {
    wait::until(&format!("filters to look at the mail, time {time}"), || {
        let marks = std::fs::read_dir(gateway.path("under-way")).ok()?;
        let mut texts = marks.flatten().filter_map(|mark| std::fs::read_to_string(mark.path()).ok());
        texts.any(|text| text == time).then_some(())
    });
    gateway.kill();
    gateway.restart();
}

#[test]
fn an_incoming_mail_that_ended_the_process_twice_is_delivered_unfiltered_with_a_notice() {
    let (mut a, b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&b, &a, ["ben", "anna"]);
    think(&a);
    let text = b"Subject: x\r\n\r\ndeadly\r\n";
    b.submit("anna@tox", text);
    die(&mut a, "1");
    die(&mut a, "2");
    let mail = String::from_utf8(a.wait_for_mail(text)).unwrap();
    let mark = mail.split("X-Toxmail-Unfiltered: ").nth(1).expect("a mark").replace("\r\n", "");
    assert!(mark.contains("ended twice while its filters looked at this mail"), "{mail}");
    assert_eq!(a.mails().len(), 1);
    // The record of it says the same: nothing passes the filters without one.
    let recorded = crate::words::failed(&a, 1).remove(0)["failure"].to_string();
    assert!(recorded.contains("ended twice while its filters looked at this mail"), "{recorded}");
}

#[test]
fn an_outgoing_mail_that_ended_the_process_twice_is_refused_for_good() {
    let mut gateway = Gateway::start(network());
    think(&gateway);
    let (account, password, own) = (gateway.account(), gateway.password(), gateway.address());
    let text = b"Subject: x\r\n\r\ndeadly\r\n";
    for time in ["1", "2"] {
        let (at, account, password, own) = (gateway.smtp(), account.clone(), password.clone(), own.clone());
        let sender = std::thread::spawn(move || {
            smtp::Session::login(at, &account, &password).send(&own, &[&own], text)
        });
        die(&mut gateway, time);
        // Its connection ended with the process, whatever it makes of that.
        let _ = sender.join();
    }
    let mut session = smtp::Session::login(gateway.smtp(), &account, &password);
    let refused = session.send(&own, &[&own], text).unwrap_err();
    assert!(refused.starts_with("55") && refused.contains("5.3.0"), "{refused}");
}

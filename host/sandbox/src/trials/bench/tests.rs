use super::*;

#[test]
fn the_conformance_cases_are_valid() {
    for slot in Slot::ALL {
        let case = conformance_cases(slot).unwrap();
        assert!(case.calls.len() > 2);
        assert!(case.calls.iter().all(|call| call.ask.slot() == slot));
    }
}

#[test]
fn mistakes_are_told_with_their_line() {
    let wrong = |text: &str| Case::parse(text, "wrong", None).unwrap_err().to_string();
    let error = wrong("about = \"x\"\n[[call]]\nask = { next-attempt = { atempts = 3 } }");
    assert!(error.contains("line 3") && error.contains("atempts"), "{error}");
    assert!(wrong("[[call]]\nask = { guess = {} }").contains("unknown variant `guess`"));
    assert!(wrong("call = []").contains("1 to"));
    assert!(wrong("now = 2026-11-22\n[[call]]\nask = { select = {} }").contains("2026-11-22T23:30:00Z"));
}

/// What is asked, as it would be recorded.
fn asked(ask: &str) -> String {
    let case = Case::parse(&format!("[[call]]\nask = {{ {ask} }}"), "test", None).unwrap();
    match &case.calls.first().unwrap().ask {
        Ask::AllowSubmission(question) => crate::record::json(question),
        Ask::AcceptFriend(question) => crate::record::json(question),
        Ask::NextAttempt(question) => crate::record::json(question),
        Ask::AllowDeposit(question) => crate::record::json(question),
        Ask::Resolve(question) => crate::record::json(question),
        Ask::Select(facts) => crate::record::json(&facts.question()),
        Ask::Filter(facts) => crate::record::json(&facts.facts()),
        Ask::Learn(facts) => crate::record::json(&facts.feedback()),
    }
}

/// A key of 32 equal bytes.
fn key(byte: &str) -> String {
    byte.repeat(32)
}

#[test]
fn what_a_case_leaves_out_has_a_plain_default() {
    let (seven, one) = (key("07"), key("01"));
    let filter = format!(
        r#"{{"direction":"Incoming","envelope":{{"reverse_path":{{"Mailbox":"ben@tox"}},"forward_path":"anna@tox","notify":{{"success":false,"failure":true,"delay":true}},"ret":"Headers","envelope_id":null,"original_recipient":null}},"peer":"{seven}","is_contact":true,"from_verified":true,"attributes":[]}}"#
    );
    for (ask, question) in [
        (
            "allow-submission = {}",
            r#"{"reverse_path":{"Mailbox":"anna@tox"},"forward_path":"ben@tox","declared_size":null,"queued":0,"attributes":[]}"#,
        ),
        (
            "accept-friend = {}",
            &format!(r#"{{"key":"{seven}","message":"It is me","written_to":false,"attributes":[]}}"#),
        ),
        (
            "next-attempt = {}",
            r#"{"attempts":1,"age":{"secs":10,"nanos":0},"remaining":{"secs":432000,"nanos":0},"peer_online":false,"problem":{"status":"4.4.1","text":"the recipient is not online"},"size":4000,"attributes":[]}"#,
        ),
        (
            "allow-deposit = {}",
            r#"{"admission":"token","ttl_days":7,"cells":10,"capacity":1000,"today":3,"attributes":[]}"#,
        ),
        (
            "select = { relays = [{}] }",
            &format!(
                r#"{{"mail":{{"size":4000,"cells":1,"remaining":{{"secs":1728000,"nanos":0}},"recipient_is_contact":true,"reposted":false,"attributes":[]}},"relays":[{{"key":"{one}","owner":null,"served_here":false,"read_by_recipient":true,"chosen_by_user":true,"receipts":0,"failures":0,"last_failure":null,"fill":10,"tokens":1,"attributes":[]}}]}}"#
            ),
        ),
        ("filter = {}", &filter),
        (r#"learn = { decision = "spam" }"#, &format!(r#"{{"facts":{filter},"decision":"spam"}}"#)),
    ] {
        assert_eq!(asked(ask), question);
    }
}

#[test]
fn what_a_case_says_is_asked() {
    let key = key("0A");
    for (ask, question) in [
        (
            r#"allow-submission = { reverse-path = "", forward-path = "x@y", declared-size = 5, queued = 6, attributes = { b = "1", a = "2" } }"#,
            r#"{"reverse_path":"Null","forward_path":"x@y","declared_size":5,"queued":6,"attributes":[["a","2"],["b","1"]]}"#,
        ),
        (
            &format!(
                r#"accept-friend = {{ key = "{key}", message = "hi", written-to = true, attributes = {{ a = "1" }} }}"#
            ),
            &format!(r#"{{"key":"{key}","message":"hi","written_to":true,"attributes":[["a","1"]]}}"#),
        ),
        (
            r#"next-attempt = { attempts = 2, age = 3, remaining = 4, peer-online = true, problem = { status = "4.0.0", text = "a\nb" }, size = 5, attributes = { a = "1" } }"#,
            r#"{"attempts":2,"age":{"secs":3,"nanos":0},"remaining":{"secs":4,"nanos":0},"peer_online":true,"problem":{"status":"4.0.0","text":"a b"},"size":5,"attributes":[["a","1"]]}"#,
        ),
        (
            r#"allow-deposit = { admission = "stamp", ttl-days = 1, cells = 2, capacity = 3, today = 4, attributes = { a = "1" } }"#,
            r#"{"admission":"stamp","ttl_days":1,"cells":2,"capacity":3,"today":4,"attributes":[["a","1"]]}"#,
        ),
        (r#"resolve = { address = "x@y" }"#, r#"{"address":"x@y"}"#),
        (
            &format!(
                r#"select = {{ mail = {{ size = 1, cells = 2, remaining = 3, recipient-is-contact = false, reposted = true, attributes = {{ a = "1" }} }}, relays = [{{ key = "{key}", owner = "o", served-here = true, read-by-recipient = false, chosen-by-user = false, receipts = 1, failures = 2, last-failure = 3, fill = 4, tokens = 5, attributes = {{ a = "1" }} }}] }}"#
            ),
            &format!(
                r#"{{"mail":{{"size":1,"cells":2,"remaining":{{"secs":3,"nanos":0}},"recipient_is_contact":false,"reposted":true,"attributes":[["a","1"]]}},"relays":[{{"key":"{key}","owner":"o","served_here":true,"read_by_recipient":false,"chosen_by_user":false,"receipts":1,"failures":2,"last_failure":{{"secs":3,"nanos":0}},"fill":4,"tokens":5,"attributes":[["a","1"]]}}]}}"#
            ),
        ),
        (
            &format!(
                r#"learn = {{ decision = "not-spam", facts = {{ direction = "outgoing", reverse-path = "", forward-path = "x@y", peer = "{key}", is-contact = false, from-verified = false, attributes = {{ a = "1" }} }} }}"#
            ),
            &format!(
                r#"{{"facts":{{"direction":"Outgoing","envelope":{{"reverse_path":"Null","forward_path":"x@y","notify":{{"success":false,"failure":true,"delay":true}},"ret":"Headers","envelope_id":null,"original_recipient":null}},"peer":"{key}","is_contact":false,"from_verified":false,"attributes":[["a","1"]]}},"decision":"not-spam"}}"#
            ),
        ),
    ] {
        assert_eq!(asked(ask), question);
    }
}

#[test]
fn a_wrong_fact_is_named() {
    for (ask, named) in [
        ("allow-submission = { id = 1 }", "unknown field `id`"),
        ("allow-deposit = { ttl_days = 7 }", "unknown field `ttl_days`"),
        ("next-attempt = { age = -1 }", "age"),
        ("next-attempt = { attempts = \"three\" }", "attempts"),
        ("resolve = {}", "address"),
        ("select = { mail = { sise = 1 } }", "sise"),
        ("select = { relays = [{ kee = \"x\" }] }", "kee"),
        ("filter = { envelope = {} }", "envelope"),
        ("learn = {}", "decision"),
    ] {
        let error =
            Case::parse(&format!("[[call]]\nask = {{ {ask} }}"), "test", None).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("line 2"), "{ask}: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_brings_the_parser_down(text in ".{0,200}") {
        let _ = Case::parse(&text, "any", None);
    }
}

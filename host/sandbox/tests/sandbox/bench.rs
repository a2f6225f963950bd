//! The test bench and the conformance cases.

use sandbox::bench::{Bench, Case};
use sandbox::{CompileMode, LibraryError, Refused, Slot};

use crate::setup::{NOW, engine, private_directory};

fn bytes(name: &str) -> &'static [u8] {
    let mut all = builtin::components().iter().chain(builtin::test_guests());
    all.find(|builtin| builtin.name == name).unwrap().bytes
}

fn case(text: &str) -> Case {
    Case::parse(text, "test", None).unwrap()
}

/// What is not as expected, call by call.
fn unexpected(component: &str, text: &str) -> Vec<Option<String>> {
    let bench = Bench::new(&engine(), &CompileMode::InProcess, bytes(component)).unwrap();
    bench.run(&case(text)).unwrap().into_iter().map(|report| report.unexpected).collect()
}

#[test]
fn the_defaults_conform() {
    let engine = engine();
    for builtin in builtin::components() {
        let slots = Bench::new(&engine, &CompileMode::InProcess, builtin.bytes)
            .unwrap()
            .conforming(&sandbox::Awaited::default())
            .unwrap();
        assert_eq!(slots.iter().map(|slot| slot.name()).collect::<Vec<_>>(), [builtin.slot]);
    }
}

#[test]
fn answers_are_compared_in_the_words_of_wit() {
    let text = r#"
        [[call]]
        ask = { next-attempt = { attempts = 1 } }
        answer = { after = 300 }
        [[call]]
        ask = { next-attempt = { attempts = 1 } }
        answer = { after = 301 }
        [[call]]
        ask = { allow-deposit = { admission = "stamp", cells = 60, capacity = 100 } }
        answer = { refuse = "*token*" }
        [[call]]
        ask = { accept-friend = {} }
        fails = "*"
    "#;
    let wrong = unexpected("default-policy", text);
    assert_eq!(wrong[0], None);
    assert_eq!(wrong[1].as_deref(), Some("after: expected 301, answered 300"));
    assert_eq!(wrong[2], None);
    assert!(wrong[3].as_ref().unwrap().contains("expected to fail"));
}

#[test]
fn contacts_dns_and_accounts_answer_as_the_case_says() {
    let id = crate::setup::BEN;
    let text = format!(
        r#"
        accounts = ["anna"]
        contacts = [{{ alias = "ben", tox-id = "{id}", confirmed = true }}]
        [dns."cleo._tox.example.org"]
        txt = ["v=tox1;id={id}"]
        secure = true
        [dns."dora._tox.example.org"]
        [[call]]
        ask = {{ resolve = {{ address = "ben@tox" }} }}
        answer = {{ found = {{ target = {{ tox-id = "{id}" }}, source = "contact" }} }}
        [[call]]
        ask = {{ resolve = {{ address = "cleo@example.org" }} }}
        answer = {{ found = {{ source = "dns", trust = "verified" }} }}
        [[call]]
        ask = {{ resolve = {{ address = "dora@example.org" }} }}
        answer = {{ try-later = "*" }}
        [[call]]
        ask = {{ resolve = {{ address = "anna@tox" }} }}
        answer = {{ found = {{ target = {{ account = "anna" }} }} }}
    "#
    );
    assert_eq!(unexpected("default-resolver", &text), vec![None; 4]);
}

#[test]
fn state_lasts_from_call_to_call_and_failures_can_be_expected() {
    let count = |what: &str, limits: &str, expected: &str| {
        let text = format!(
            "[settings]\ndo = \"{what}\"\n[limits]\n{limits}\n[[call]]\nask = {{ allow-submission = {{}} }}\n{expected}"
        );
        unexpected("evil-policy", &text)
    };
    let again = "answer = { refuse = { text = \"1\" } }\n[[call]]\nask = { allow-submission = {} }\nanswer = { refuse = { text = \"2\" } }";
    assert_eq!(count("count", "", again), vec![None, None]);
    assert_eq!(count("spin", "call-ms = 100", "fails = \"it ran longer*100 ms\""), vec![None]);
    assert_eq!(count("trap", "", "fails = \"it trapped*\""), vec![None]);
    assert_eq!(count("log-flood", "", "logs = \"line 7 *\""), vec![None]);
}

#[test]
fn a_component_is_asked_only_what_its_slot_decides() {
    let bench = Bench::new(&engine(), &CompileMode::InProcess, bytes("default-policy")).unwrap();
    let error = bench.run(&case("[[call]]\nask = { filter = {} }")).unwrap_err();
    assert!(matches!(error, LibraryError::WrongSlot { slot: Slot::MailFilter, .. }), "{error}");
}

/// A component that answers with a status that is none: a text in its data is changed.
fn with_an_odd_status(component: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    while let Some(at) = bytes.windows(5).position(|window| window == b"5.7.1") {
        bytes[at] = b'9';
    }
    bytes
}

#[tokio::test]
async fn what_fails_the_conformance_cases_is_not_taken() {
    let directory = private_directory();
    let library =
        sandbox::Library::open(engine(), directory.path(), sandbox::CompileMode::InProcess).unwrap();
    let error = library.add("odd", with_an_odd_status(bytes("evil-policy")), NOW).await.unwrap_err();
    let LibraryError::Refused(Refused::Conformance { slot: Slot::Policy, function, failure, .. }) = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(function, "allow-submission");
    assert!(failure.contains("9.7.1"), "{failure}");
    assert!(library.list().is_empty(), "nothing is kept");
}

#[test]
fn a_core_module_built_with_wit_bindgen_becomes_a_component() {
    let component = bytes("default-policy");
    let make = |bytes| sandbox::to_component(&CompileMode::InProcess, bytes);
    assert_eq!(make(component).unwrap(), component, "a component stays as it is");
    let module = wat::parse_str("(module (import \"env\" \"f\" (func)))").unwrap();
    let error = make(&module).unwrap_err();
    assert!(matches!(error, LibraryError::Refused(Refused::Module(_))), "{error}");
}

/// Whether a bench of this process asks something now.
#[cfg(target_os = "linux")]
fn asks() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    threads.into_iter().any(|thread| {
        std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.trim() == "bench")
    })
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_nobody_waits_for_ends_in_the_middle_of_a_call() {
    let text =
        "settings = { do = 'spin' }\nlimits = { call-ms = 60000 }\n[[call]]\nask = { allow-submission = {} }";
    let bench =
        std::sync::Arc::new(Bench::new(&engine(), &CompileMode::InProcess, bytes("evil-policy")).unwrap());
    let ended = async {
        loop {
            let (bench, (waiter, awaited)) = (std::sync::Arc::clone(&bench), sandbox::Awaited::by_somebody());
            let run = tokio::task::spawn_blocking(move || {
                bench.run_within(&case(text), std::time::Duration::MAX, &awaited).unwrap()
            });
            while !asks() {
                tokio::task::yield_now().await;
            }
            drop(waiter);
            // It may be that another test asked, and this one had not begun.
            if let Some(report) = run.await.unwrap().pop() {
                return report;
            }
        }
    };
    let report = tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.expect("it ends soon");
    assert!(report.answer.is_err(), "{report:?}");
}

//! Puts misbehaving components to work in a running gateway, and watches: does it answer meanwhile, what does it record.

use std::time::Duration;

use serde_json::Value;
use tests::{Gateway, pop3, smtp, wait};

use super::kinds::Kind;

/// In this time SMTP and POP3 answer; on an idle machine some milliseconds are enough.
const BOUND: Duration = Duration::from_secs(5);

/// A component that misbehaves in one function of a slot, from now on.
pub struct Mischief<'a> {
    pub gateway: &'a Gateway,
    pub slot: &'static str,
    pub function: &'static str,
    pub kind: Kind,
    /// The newest decision before.
    before: u64,
}

/// Puts the Rust guest of a slot to work.
pub fn put<'a>(
    gateway: &'a Gateway,
    (slot, function): (&'static str, &'static str),
    kind: Kind,
) -> Mischief<'a> {
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == slot).expect("a guest for the slot");
    std::fs::write(gateway.path("guest.wasm"), guest.bytes).unwrap();
    // What ends by itself gets time for that on a busy machine.
    let call_ms = if kind.what == "spin" { 300 } else { 5000 };
    let limits = format!("call-ms = {call_ms}, memory-bytes = {}", 24 << 20);
    let settings = format!("do = '{}', at = '{function}'", kind.what);
    put_entry(gateway, (slot, function), kind, "file = 'guest.wasm'", &settings, &limits)
}

/// Puts a component to work, of which `which` says where it is.
pub fn put_entry<'a>(
    gateway: &'a Gateway,
    (slot, function): (&'static str, &'static str),
    kind: Kind,
    which: &str,
    settings: &str,
    limits: &str,
) -> Mischief<'a> {
    let before = decisions(gateway, slot, function).first().map_or(0, number);
    let calls = kind.capability_calls();
    let limits = format!("{limits}, capability-calls = {calls}");
    let entry = format!("slot = '{slot}'\n{which}\nsettings = {{ {settings} }}\nlimits = {{ {limits} }}\n");
    let set = gateway.path("set.toml");
    std::fs::write(&set, format!("[[entry]]\n{entry}")).unwrap();
    let _ = gateway.json(&["policy-set", "use", set.to_str().unwrap()]);
    let mischief = Mischief { gateway, slot, function, kind, before };
    assert!(!mischief.is_default_live());
    mischief
}

fn number(decision: &Value) -> u64 {
    decision["id"].as_u64().unwrap()
}

/// Recorded decisions of a function, newest first.
fn decisions(gateway: &Gateway, slot: &str, function: &str) -> Vec<Value> {
    let token = std::fs::read_to_string(gateway.path("admin-token")).unwrap();
    let token = format!("Authorization: Bearer {}", token.trim());
    let fact = fact(function);
    let url = format!("http://{}/api/v1/decisions?slot={slot}&limit=100{fact}", gateway.admin());
    let text = tests::program::output(&gateway.path(""), "curl", &["-sSf", "-H", &token, &url], b"");
    let decisions: Vec<Value> = serde_json::from_str(&text).unwrap();
    decisions.into_iter().filter(|decision| decision["function"] == function).collect()
}

/// A policy is asked about submission all the time: what to search for so that decisions of another function are found.
fn fact(function: &str) -> &'static str {
    match function {
        "accept-friend" => "&text=written",
        "next-attempt" => "&text=attempts",
        "allow-deposit" => "&text=admission",
        _ => "",
    }
}

impl Mischief<'_> {
    /// Whether the slot has its default component (again).
    pub fn is_default_live(&self) -> bool {
        let slots = self.gateway.json(&["slot", "list"]);
        let row = slots.as_array().unwrap().iter().find(|row| row["slot"] == self.slot).unwrap();
        row["name"] == format!("default-{}", self.slot)
    }

    /// Waits for the record of a call since then that tells what this one does.
    pub fn wait_for_record(&self) {
        let Self { gateway, slot, function, kind, before } = self;
        wait::until(&format!("a record of {function} that tells of {kind:?}"), || {
            let is_it = |decision: &Value| number(decision) > *before && kind.is_recorded_in(decision);
            decisions(gateway, slot, function).iter().any(is_it).then_some(())
        });
    }

    /// Work that goes on while SMTP and POP3 answer again and again, in bounded time.
    pub fn answers_while<T: Send>(&self, work: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
        let (done, slowest) = answers_while(self.gateway, work);
        tell(self.slot, self.function, self.kind.what, slowest);
        done
    }
}

/// How long the gateway takes to answer: a session of SMTP up to RCPT, and one of POP3.
pub fn answer_time(gateway: &Gateway) -> [Duration; 2] {
    let smtp = wait::time(|| {
        let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
        assert!(session.command(&format!("MAIL FROM:<{}>", gateway.address())).starts_with("250"));
        // The policy and the resolver are asked: one that misbehaves makes it 451, and makes nobody wait.
        let reply = session.command(&format!("RCPT TO:<{}@tox>", gateway.account()));
        assert!(reply.starts_with("250") || reply.starts_with("451 4."), "{reply}");
        assert!(session.command("RSET").starts_with("250"));
        assert!(session.command("QUIT").starts_with("221"));
    });
    let pop3 = wait::time(|| {
        let mut session = wait::until("the mailbox to be free", || {
            pop3::Session::login(gateway.pop3(), &gateway.account(), &gateway.password()).ok()
        });
        let _ = session.count();
    });
    [smtp, pop3]
}

/// The slowest of some answers.
pub fn slowest_of(gateway: &Gateway, rounds: usize) -> [Duration; 2] {
    let mut slowest = [Duration::ZERO; 2];
    for _ in 0..rounds {
        slower(&mut slowest, answer_time(gateway));
    }
    slowest
}

fn slower(slowest: &mut [Duration; 2], took: [Duration; 2]) {
    for (slowest, took) in slowest.iter_mut().zip(took) {
        *slowest = took.max(*slowest);
    }
}

/// Answers again and again while `work` goes on in other threads; the slowest of each.
fn answers_while<T: Send>(
    gateway: &Gateway,
    work: Vec<impl FnOnce() -> T + Send>,
) -> (Vec<T>, [Duration; 2]) {
    std::thread::scope(|scope| {
        let working: Vec<_> = work.into_iter().map(|work| scope.spawn(work)).collect();
        let mut slowest = slowest_of(gateway, 3);
        wait::until("the work to end", || {
            slower(&mut slowest, answer_time(gateway));
            working.iter().all(std::thread::ScopedJoinHandle::is_finished).then_some(())
        });
        (working.into_iter().map(|working| working.join().unwrap()).collect(), slowest)
    })
}

/// Prints how long the gateway took to answer, which has to be bounded.
pub fn tell(slot: &str, function: &str, what: &str, [smtp, pop3]: [Duration; 2]) {
    println!("{slot:<14} {function:<16} {what:<15} SMTP {smtp:>8.1?}, POP3 {pop3:>8.1?} at most");
    assert!(smtp < BOUND && pop3 < BOUND, "{slot} {function} {what}: SMTP {smtp:?}, POP3 {pop3:?}");
}

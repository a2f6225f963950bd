//! Two people who are never online at the same time, and never were: C writes to D's Tox ID over a drop relay, D accepts, answers and
//! acknowledges, C acknowledges the answer.
//!
//! It runs beside the rest of the demo, on gateways of its own: deposits and readings spend most of their time looking for each
//! other on the Tox network. Boards are read every few seconds here; a real gateway takes hours, so that the relay
//! learns nothing from the times.

use std::path::Path;

use lab::Error;
use serde_json::Value;

use super::gateway::{Gateway, arrives, copies, empty_outbox, is_asked_by, submit};
use super::mails;
use super::report::Report;

/// Short times, whose price in privacy the documentation of `[drops.times]` tells.
const CONFIG: &str = "\
[drops.times]
read_every = 1
acknowledge_every = [1, 2]
acknowledge_rest = 0

[components.settings.relay-selector]
spread-seconds = \"1\"
";

/// The relay and the two gateways.
struct Stage {
    relay: Gateway,
    c: Gateway,
    d: Gateway,
}

/// Plays it.
pub fn tell(
    report: &mut Report,
    program: &Path,
    directory: &Path,
    bootstrap: &[String],
) -> Result<(), Error> {
    let config = directory.join("apart.toml");
    std::fs::write(&config, CONFIG).map_err(Error::system("writing a configuration file"))?;
    let gateway = |name| Gateway::new(name, program, directory, bootstrap);
    let mut stage = Stage {
        relay: gateway("R").relay_only(),
        c: gateway("C").with_config(&config),
        d: gateway("D").with_config(&config),
    };
    report.act("Two people who are never online at the same time");
    let start = report.now();
    stage.relay.start()?;
    let relay = stage.relay.tox_id()?.to_owned();
    report.step(format!("R: toxmail relay serve, a drop relay and nothing else: {relay}"));
    stage.d.start()?;
    stage.d.verb(&["relay", "add", &relay])?;
    let d_address = stage.d.mail_address()?;
    stage.d.stop()?;
    report.step("D: toxmail relay add <address of R>, and off again; C and D never met");

    stage.c.start()?;
    stage.c.verb(&["relay", "add", &relay])?;
    let letter =
        mails::short(&stage.c.mail_address()?, &d_address, "hello", "We never met, and you are not there.");
    submit(&stage.c, &d_address, &letter)?;
    report.step("C: a mail to D's Tox ID, accepted");
    left_on_relay(&mut stage.c)?;
    report.check("left on the drop relay", true, since(report, start));
    report.step("C: the drop relay has it (toxmail outbox show), C goes off");
    stage.c.stop()?;

    stage.d.start()?;
    let key = stage.c.key()?.to_owned();
    is_asked_by(&mut stage.d, &key)?;
    stage.d.verb(&["contact", "accept", &key, "carla"])?;
    report.step("D: somebody unknown wrote: toxmail contact accept <key of C> carla");
    arrives(&mut stage.d, &letter)?;
    report.check("arrives from a drop relay", true, since(report, start));
    report.step("D: the mail is there, byte for byte");
    let answer = mails::short(&d_address, "carla@tox", "re: hello", "Now you are not there.");
    submit(&stage.d, "carla@tox", &answer)?;
    left_on_relay(&mut stage.d)?;
    // C's mail, D's answer, and D's acknowledgement.
    holds(&mut stage.relay, 3)?;
    report.step("D: answer and acknowledgement are on the drop relay, D goes off");
    stage.d.stop()?;

    stage.c.start()?;
    arrives(&mut stage.c, &answer)?;
    empty_outbox(&mut stage.c)?;
    report.check("answered and acknowledged over the drop relay", true, since(report, start));
    report.step("C: the answer is there, and the outbox empty: D's acknowledgement came");
    holds(&mut stage.relay, 4)?;
    stage.c.stop()?;
    stage.d.start()?;
    empty_outbox(&mut stage.d)?;
    report.step("C off, D on again: C's acknowledgement came");
    let copies = copies(&stage.d, &letter)?;
    report.check("both ways, each shown once", copies == 1, since(report, start));
    stage.d.stop()?;
    stage.relay.stop()?;
    Ok(())
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn since(report: &Report, start: mail::Monotonic) -> f64 {
    (report.now().since(start).as_secs_f64() * 1000.0).round() / 1000.0
}

/// Waits until all mails of the outbox are whole on the relay.
fn left_on_relay(gateway: &mut lab::Gateway) -> Result<(), Error> {
    gateway.wait("the deposit receipts", |gateway| {
        let outbox = gateway.verb(&["outbox", "list"])?;
        let is_left = all(&outbox).all(|mail| mail["copies"]["complete"] == 1);
        Ok((is_left && all(&outbox).next().is_some()).then_some(()))
    })
}

/// Waits until the relay holds this many cells.
fn holds(relay: &mut lab::Gateway, cells: u64) -> Result<(), Error> {
    relay.wait(&format!("{cells} cells on the drop relay"), |relay| {
        let relays = relay.verb(&["relay", "list"])?;
        Ok(all(&relays).any(|own| own["serving"]["cells"].as_u64() >= Some(cells)).then_some(()))
    })
}

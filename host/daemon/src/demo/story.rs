//! What the demo does, step by step.

use std::path::Path;
use std::sync::Arc;

use lab::Error;
use tempfile::TempDir;

use super::gateway::{Gateway, arrives, copies, empty_outbox, is_asked_by, submit};
use super::mails;
use super::report::Report;
use crate::console::say;

/// Size of the mail whose sender is killed in the middle, in million bytes.
const LARGE_MEGABYTES: usize = 20;

/// Bytes of it that B has durably when A is killed.
const KILL_AFTER_BYTES: u64 = 4_000_000;

/// The two gateways and their directories; dropping it stops and removes them.
pub struct Stage {
    a: Gateway,
    b: Gateway,
    _directory: Arc<TempDir>,
}

impl Stage {
    /// How a person goes on with the running gateways.
    pub fn print_how_to_go_on(&self) {
        say!(
            "\nBoth gateways are running. Connect a mail program to each and write to the other one's address:"
        );
        self.a.print_how_to_use();
        self.b.print_how_to_use();
        say!("\nCtrl-C stops them and removes their data.");
    }
}

/// Plays it all.
pub fn tell(
    report: &mut Report,
    program: &Path,
    directory: Arc<TempDir>,
    bootstrap: &[String],
) -> Result<Stage, Error> {
    report.act("A private Tox network on this machine");
    let ports: Vec<_> = bootstrap.iter().filter_map(|node| node.split(':').nth(1)).collect();
    report.step(format!("bootstrap nodes and Tox TCP relays: 127.0.0.1, ports {}", ports.join(", ")));
    let mut stage = Stage {
        a: Gateway::new("A", program, directory.path(), bootstrap),
        b: Gateway::new("B", program, directory.path(), bootstrap),
        _directory: directory,
    };
    for gateway in [&mut stage.a, &mut stage.b] {
        gateway.start()?;
        report.step(format!(
            "gateway {} is ready: SMTP {}, POP3 {}, web {}",
            gateway.name(),
            gateway.smtp()?,
            gateway.pop3()?,
            gateway.admin()?
        ));
    }
    make_contacts(report, &mut stage)?;
    ordinary_mail(report, &mut stage)?;
    machine_is_off(report, &mut stage)?;
    killed_in_the_middle(report, &mut stage)?;
    Ok(stage)
}

fn make_contacts(report: &mut Report, stage: &mut Stage) -> Result<(), Error> {
    report.act("Two people become contacts");
    let start = report.now();
    let b_id = stage.b.tox_id()?.to_owned();
    stage.a.verb(&["contact", "add", "ben", &b_id, "--message", "It is me, Anna"])?;
    report.step("A: toxmail contact add ben <Tox ID of B>");
    let key = stage.a.key()?.to_owned();
    is_asked_by(&mut stage.b, &key)?;
    report.step("B: the friend request is there");
    stage.b.verb(&["contact", "accept", &key, "anna"])?;
    report.step("B: toxmail contact accept <key of A> anna");
    wait_online(&mut stage.a, "ben")?;
    wait_online(&mut stage.b, "anna")?;
    report.step("both see each other online");
    report.check("contacts", true, since(report, start));
    Ok(())
}

fn wait_online(gateway: &mut lab::Gateway, alias: &str) -> Result<(), Error> {
    gateway.wait(&format!("{alias} online"), |gateway| {
        let status = gateway.verb(&["status"])?;
        let online = status["contacts"].as_array().is_some_and(|all| {
            all.iter().any(|contact| contact["alias"] == alias && contact["online"] == true)
        });
        Ok(online.then_some(()))
    })
}

fn since(report: &Report, start: mail::Monotonic) -> f64 {
    (report.now().since(start).as_secs_f64() * 1000.0).round() / 1000.0
}

fn ordinary_mail(report: &mut Report, stage: &mut Stage) -> Result<(), Error> {
    report.act("A mail with attachments");
    let text = mails::with_attachments(&stage.a.mail_address()?, "ben@tox");
    let start = report.now();
    submit(&stage.a, "ben@tox", &text)?;
    report.step(format!("A: {} bytes submitted over SMTP, accepted with 250: they are on disk", text.len()));
    arrives(&mut stage.b, &text)?;
    report.step("B: read over POP3, byte for byte what was submitted");
    report.check("attachments", true, since(report, start));
    Ok(())
}

fn machine_is_off(report: &mut Report, stage: &mut Stage) -> Result<(), Error> {
    report.act("A mail to a machine that is off");
    empty_outbox(&mut stage.a)?;
    stage.b.stop()?;
    report.step("B is switched off");
    let text = mails::short(&stage.a.mail_address()?, "ben@tox", "for later", "Read this when you are back.");
    let start = report.now();
    submit(&stage.a, "ben@tox", &text)?;
    let queued = stage.a.verb(&["status"])?["outbox"]["queued"].as_u64();
    report.step(format!("A: accepted; mails waiting in the outbox: {}", queued.unwrap_or_default()));
    report.check("waits in the outbox", queued == Some(1), since(report, start));
    stage.b.start()?;
    report.step("B is switched on again");
    arrives(&mut stage.b, &text)?;
    report.step("B: the mail is there");
    report.check("arrives later", true, since(report, start));
    Ok(())
}

fn killed_in_the_middle(report: &mut Report, stage: &mut Stage) -> Result<(), Error> {
    report.act("A process killed in the middle of a large mail");
    wait_online(&mut stage.a, "ben")?;
    let text = mails::large(&stage.a.mail_address()?, "ben@tox", LARGE_MEGABYTES);
    let start = report.now();
    submit(&stage.a, "ben@tox", &text)?;
    report.step(format!("A: {} bytes accepted", text.len()));
    let store = stage.b.store_file();
    let before = size(&store);
    stage
        .b
        .wait("bytes of it on B's disk", |_| Ok((size(&store) > before + KILL_AFTER_BYTES).then_some(())))?;
    let whole_already = stage.a.verb(&["status"])?["outbox"]["queued"] == 0;
    stage.a.kill()?;
    report.step("A: kill -9 in the middle of the transfer");
    report.check("killed in the middle", !whole_already, since(report, start));
    stage.a.start()?;
    report.step("A is started again");
    arrives(&mut stage.b, &text)?;
    report.step("B: the whole mail is there, byte for byte");
    report.check("survives the kill", true, since(report, start));
    empty_outbox(&mut stage.a)?;
    report.step("A: the outbox is empty: B's acknowledgement came");
    let copies = copies(&stage.b, &text)?;
    report.check("exactly once", copies == 1, since(report, start));
    Ok(())
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |metadata| metadata.len())
}

//! What the demo does, step by step.

use std::path::Path;

use tempfile::TempDir;

use super::gateway::Gateway;
use super::report::Report;
use super::{DemoError, Place, mails, pop3, smtp};

/// Size of the mail whose sender is killed in the middle, in million bytes.
const LARGE_MEGABYTES: usize = 20;

/// Bytes of it that B has durably when A is killed.
const KILL_AFTER_BYTES: u64 = 4_000_000;

/// The two gateways and their directories; dropping it stops and removes them.
pub struct Stage {
    a: Gateway,
    b: Gateway,
    _directory: TempDir,
}

impl Stage {
    /// How a person goes on with the running gateways.
    pub fn print_how_to_go_on(&self) {
        println!(
            "\nBoth gateways are running. Connect a mail program to each and write to the other one's address:"
        );
        self.a.print_how_to_use();
        self.b.print_how_to_use();
        println!("\nCtrl-C stops them and removes their data.");
    }

    fn submit(&self, recipient: &str, text: &[u8]) -> Result<(), DemoError> {
        let login = (self.a.ready()?.account.as_str(), self.a.password()?);
        smtp::submit(self.a.smtp()?, (login.0, &login.1), &self.a.mail_address()?, recipient, text)?;
        Ok(())
    }

    /// Waits until B's mailbox has a mail that ends with exactly these bytes.
    fn arrives(&mut self, text: &[u8]) -> Result<(), DemoError> {
        let account = self.b.ready()?.account.clone();
        let (server, password) = (self.b.pop3()?, self.b.password()?);
        self.b.wait("the mail in B's mailbox", |_| {
            let mails = pop3::fetch(server, (account.as_str(), &password))?;
            Ok(mails.iter().any(|mail| mail.ends_with(text)).then_some(()))
        })
    }
}

/// Plays it all.
pub fn tell(
    report: &mut Report,
    program: &Path,
    directory: TempDir,
    bootstrap: &[String],
) -> Result<Stage, DemoError> {
    let place = |name: &str| {
        let directory = directory.path().join(name);
        Place { program: program.to_owned(), directory }
    };
    report.act("A private Tox network on this machine");
    let ports: Vec<_> = bootstrap.iter().filter_map(|node| node.split(':').nth(1)).collect();
    report.step(format!("bootstrap nodes and Tox TCP relays: 127.0.0.1, ports {}", ports.join(", ")));
    let mut stage = Stage {
        a: Gateway::new('A', place("a"), bootstrap),
        b: Gateway::new('B', place("b"), bootstrap),
        _directory: directory,
    };
    for gateway in [&mut stage.a, &mut stage.b] {
        gateway.start()?;
        let ready = gateway.ready()?;
        report.step(format!(
            "gateway {} is ready: SMTP {}, POP3 {}, web {}",
            gateway.name, ready.smtp, ready.pop3, ready.admin
        ));
    }
    make_contacts(report, &mut stage)?;
    ordinary_mail(report, &mut stage)?;
    machine_is_off(report, &mut stage)?;
    killed_in_the_middle(report, &mut stage)?;
    Ok(stage)
}

fn make_contacts(report: &mut Report, stage: &mut Stage) -> Result<(), DemoError> {
    report.act("Two people become contacts");
    let start = report.now();
    let (a_id, b_id) = (stage.a.ready()?.tox_id, stage.b.ready()?.tox_id);
    stage.a.verb(&["contact", "add", "ben", &b_id.to_string(), "--message", "It is me, Anna"])?;
    report.step("A: toxmail contact add ben <Tox ID of B>");
    let key = a_id.key.to_string();
    stage.b.wait("A's friend request", |b| {
        let requests = b.verb(&["contact", "requests"])?;
        let is_there =
            requests.as_array().is_some_and(|all| all.iter().any(|request| request["key"] == key.as_str()));
        Ok(is_there.then_some(()))
    })?;
    report.step("B: the friend request is there");
    stage.b.verb(&["contact", "accept", &key, "anna"])?;
    report.step("B: toxmail contact accept <key of A> anna");
    wait_online(&mut stage.a, "ben")?;
    wait_online(&mut stage.b, "anna")?;
    report.step("both see each other online");
    report.check("contacts", true, since(report, start));
    Ok(())
}

fn wait_online(gateway: &mut Gateway, alias: &str) -> Result<(), DemoError> {
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

fn ordinary_mail(report: &mut Report, stage: &mut Stage) -> Result<(), DemoError> {
    report.act("A mail with attachments");
    let text = mails::with_attachments(&stage.a.mail_address()?, "ben@tox");
    let start = report.now();
    stage.submit("ben@tox", &text)?;
    report.step(format!("A: {} bytes submitted over SMTP, accepted with 250: they are on disk", text.len()));
    stage.arrives(&text)?;
    report.step("B: read over POP3, byte for byte what was submitted");
    report.check("attachments", true, since(report, start));
    Ok(())
}

fn machine_is_off(report: &mut Report, stage: &mut Stage) -> Result<(), DemoError> {
    report.act("A mail to a machine that is off");
    empty_outbox(&mut stage.a)?;
    stage.b.stop()?;
    report.step("B is switched off");
    let text = mails::short(&stage.a.mail_address()?, "ben@tox", "for later", "Read this when you are back.");
    let start = report.now();
    stage.submit("ben@tox", &text)?;
    let queued = stage.a.verb(&["status"])?["outbox"]["queued"].as_u64();
    report.step(format!("A: accepted; mails waiting in the outbox: {}", queued.unwrap_or_default()));
    report.check("waits in the outbox", queued == Some(1), since(report, start));
    stage.b.start()?;
    report.step("B is switched on again");
    stage.arrives(&text)?;
    report.step("B: the mail is there");
    report.check("arrives later", true, since(report, start));
    Ok(())
}

fn killed_in_the_middle(report: &mut Report, stage: &mut Stage) -> Result<(), DemoError> {
    report.act("A process killed in the middle of a large mail");
    wait_online(&mut stage.a, "ben")?;
    let text = mails::large(&stage.a.mail_address()?, "ben@tox", LARGE_MEGABYTES);
    let start = report.now();
    stage.submit("ben@tox", &text)?;
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
    stage.arrives(&text)?;
    report.step("B: the whole mail is there, byte for byte");
    report.check("survives the kill", true, since(report, start));
    empty_outbox(&mut stage.a)?;
    report.step("A: the outbox is empty: B's acknowledgement came");
    let copies = stage.copies_at_b(&text)?;
    report.check("exactly once", copies == 1, since(report, start));
    Ok(())
}

/// Waits until all acknowledgements came.
fn empty_outbox(gateway: &mut Gateway) -> Result<(), DemoError> {
    gateway.wait("an empty outbox", |gateway| {
        Ok((gateway.verb(&["status"])?["outbox"]["queued"] == 0).then_some(()))
    })
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |metadata| metadata.len())
}

impl Stage {
    fn copies_at_b(&self, text: &[u8]) -> Result<usize, DemoError> {
        let (server, password) = (self.b.pop3()?, self.b.password()?);
        let mails = pop3::fetch(server, (self.b.ready()?.account.as_str(), &password))?;
        Ok(mails.iter().filter(|mail| mail.ends_with(text)).count())
    }
}

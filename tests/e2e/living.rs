//! Living with a gateway: welcome, backups, mailboxes in and out, other programs' identities, accounts that come and go.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tests::gateway::{WELCOME, program, signal};
use tests::{Gateway, befriend, network, pop3, smtp, wait};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a verb that has to succeed, and returns what it printed.
fn printed(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.run(arguments);
    assert!(output.status.success(), "toxmail {arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_new_account_is_welcomed_once() {
    let mut gateway = Gateway::start_with(network(), &[WELCOME]);
    let mails = gateway.mails();
    assert_eq!(mails.len(), 1);
    let mail = String::from_utf8(mails[0].clone()).unwrap();
    for words in [gateway.address(), "contact add".to_owned(), format!("http://{}/", gateway.admin())] {
        assert!(mail.contains(&words), "{words} is missing in:\n{mail}");
    }
    // Also after a crash at any later time there is one; and for every account.
    gateway.kill();
    gateway.restart();
    assert_eq!(gateway.mails(), mails);
    let password = gateway.json(&["account", "add", "carla"])["password"].as_str().unwrap().to_owned();
    let mut session = pop3::Session::login(gateway.pop3(), "carla", &password).unwrap();
    assert!(String::from_utf8(session.all().remove(0)).unwrap().contains("--account carla"));
    // What connecting does is told: the log holds what `up` printed.
    wait::until("the connection to be told", || {
        gateway.log().contains("Connected to Tox after").then_some(())
    });
    let said = format!("Connecting to Tox through {} nodes", network().nodes.len());
    assert!(gateway.log().contains(&said), "{}", gateway.log());
}

#[test]
fn every_address_is_a_login() {
    let gateway = Gateway::start(network());
    for login in [gateway.account(), "owner@tox.internal".to_owned(), gateway.address()] {
        // The session before may still be ending.
        let opened = wait::until("the mailbox to be free", || {
            match pop3::Session::login(gateway.pop3(), &login, &gateway.password()) {
                Err(reply) if reply.contains("[IN-USE]") => None,
                result => Some(result),
            }
        });
        assert!(opened.is_ok(), "{login}: {:?}", opened.err());
    }
    assert!(pop3::Session::login(gateway.pop3(), &gateway.address(), "wrong").is_err());
}

#[test]
fn a_backup_made_while_it_runs_becomes_the_same_gateway() {
    let mut gateway = Gateway::start(network());
    let mail = b"Subject: keep me\r\n\r\nfor ever\r\n";
    gateway.submit(&gateway.address(), mail);
    let _ = gateway.wait_for_mail(mail);
    let place = tempfile::tempdir().unwrap();
    let (file, offline) = (place.path().join("backup.tar"), place.path().join("offline.tar"));
    let _ = printed(&gateway, &["backup", path(&file)]);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing is written over.
    let again = gateway.run(&["backup", path(&file)]);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    let (id, password) = (gateway.tox_id(), gateway.password());
    // What comes after the backup is not in it.
    gateway.submit(&gateway.address(), b"Subject: later\r\n\r\nx\r\n");
    let _ = gateway.wait_for_mail(b"\r\n\r\nx\r\n");
    let full = gateway.run(&["restore", path(&file)]);
    assert_eq!(full.status.code(), Some(1));
    assert!(text(&full).contains("not empty") && text(&full).contains("--data"), "{}", text(&full));
    assert_eq!(gateway.stop().code(), Some(0));
    // Also while it does not run.
    let _ = printed(&gateway, &["backup", path(&offline)]);

    let directory = tempfile::tempdir().unwrap();
    let restored = Command::new(program())
        .args(["restore", path(&file), "--data", path(directory.path())])
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", text(&restored));
    let restored = Gateway::start_from(directory, network().options());
    assert_eq!(restored.tox_id(), id);
    assert_eq!(restored.password(), password);
    let mails = restored.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].ends_with(mail));
}

/// It reads the backup from a pipe here, so that it is killed in the middle of the store.
#[test]
fn a_killed_restore_is_no_data_directory_until_it_is_done_again() {
    let mut gateway = Gateway::start(network());
    let mail = b"Subject: keep me\r\n\r\nfor ever\r\n";
    gateway.submit(&gateway.address(), mail);
    let _ = gateway.wait_for_mail(mail);
    let place = tempfile::tempdir().unwrap();
    let (file, pipe) = (place.path().join("backup.tar"), place.path().join("pipe"));
    let _ = printed(&gateway, &["backup", path(&file)]);
    assert_eq!(gateway.stop().code(), Some(0));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let directory = tempfile::tempdir().unwrap();
    let mut killed = Command::new(program())
        .args(["restore", path(&pipe), "--data", path(directory.path())])
        .spawn()
        .unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let mut writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    writer.write_all(&bytes[..bytes.len() / 2]).unwrap();
    wait::until("half a store", || {
        directory.path().join("store.redb").metadata().is_ok_and(|store| store.len() > 0).then_some(())
    });
    killed.kill().unwrap();
    killed.wait().unwrap();

    // Without the mark it would end too, for the address that both servers have.
    let up = ["up", "--smtp", "127.0.0.1:1", "--pop3", "127.0.0.1:1"];
    for arguments in [&up[..], &["backup", path(&place.path().join("other.tar"))]] {
        let refused = Command::new(program())
            .args(arguments)
            .args(["--data", path(directory.path())])
            .output()
            .unwrap();
        assert!(!refused.status.success(), "{arguments:?}");
        assert!(text(&refused).contains("toxmail restore"), "{arguments:?}: {}", text(&refused));
    }
    let again = Command::new(program())
        .args(["restore", path(&file), "--data", path(directory.path())])
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", text(&again));
    let restored = Gateway::start_from(directory, network().options());
    assert!(restored.mails()[0].ends_with(mail));
}

/// They removed each other's copies of the store, and both said that all was written.
#[test]
fn of_two_backups_at_once_each_is_whole_or_refused() {
    let gateway = Gateway::start_with(network(), &["--serve-drops"]);
    for number in 0..20 {
        gateway.submit(&gateway.address(), format!("Subject: {number}\r\n\r\n{number}\r\n").as_bytes());
    }
    let place = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..6).map(|number| place.path().join(format!("{number}.tar"))).collect();
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let runs = files.iter().map(|file| scope.spawn(|| gateway.run(&["backup", path(file)])));
        let runs: Vec<_> = runs.collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let mut whole = 0;
    for (file, output) in files.iter().zip(outputs) {
        if !output.status.success() {
            assert!(text(&output).contains("another backup"), "{}", text(&output));
            assert!(!file.exists());
            continue;
        }
        whole += 1;
        // Others' programs read it, and find what a gateway needs to go on.
        let list = tests::program::output(place.path(), "tar", &["-tf", path(file)], b"");
        for name in [
            "store.redb",
            "password",
            "secrets/board-identity",
            "drop-cells.redb",
            "mailbox-keys/",
            "SHA256SUMS",
        ] {
            assert!(list.contains(name), "{name} is missing in {list}");
        }
        let unpacked = tempfile::tempdir().unwrap();
        let _ = tests::program::output(unpacked.path(), "tar", &["-xf", path(file)], b"");
        let _ = tests::program::output(unpacked.path(), "sha256sum", &["--check", "SHA256SUMS"], b"");
    }
    assert!(whole >= 1);
    // Nothing is left of those that were refused.
    let left = std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(left, whole);
}

#[test]
fn a_restored_relay_is_the_same_relay() {
    let mut gateway = Gateway::start_with(network(), &["--serve-drops"]);
    let invitation = gateway.json(&["relay", "invite"]);
    assert!(invitation.is_object() || invitation.is_string(), "{invitation}");
    let before = gateway.json(&["relay", "invitations"]);
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup.tar");
    let _ = printed(&gateway, &["backup", path(&file)]);
    let address = gateway.ready["relay_address"].clone();
    let _ = gateway.stop();
    let directory = tempfile::tempdir().unwrap();
    let restored = Command::new(program())
        .args(["restore", path(&file), "--data", path(directory.path())])
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", text(&restored));
    let mut options = network().options();
    options.push("--serve-drops".to_owned());
    let restored = Gateway::start_from(directory, options);
    assert_eq!(restored.ready["relay_address"], address);
    assert_eq!(restored.json(&["relay", "invitations"]), before);
}

#[test]
fn a_mailbox_goes_out_and_comes_back_the_same() {
    let gateway = Gateway::start(network());
    let mails: [&[u8]; 3] = [
        b"Subject: one\r\n\r\nFrom the start\r\n>From quoted\r\n.\r\n\r\nFrom after an empty line\r\n",
        b"Subject: two\r\n\r\n\xc3\xa9\r\n\r\n\r\n",
        b"Subject: three\r\n\r\nlast\r\n",
    ];
    for mail in mails {
        gateway.submit(&gateway.address(), mail);
        let _ = gateway.wait_for_mail(mail);
    }
    let before = gateway.mails();
    let place = tempfile::tempdir().unwrap();
    let (mbox, maildir) = (place.path().join("mbox"), place.path().join("maildir"));
    let _ = printed(&gateway, &["export", "mbox", path(&mbox)]);
    assert_eq!(mbox.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(gateway.json(&["export", "maildir", path(&maildir)])["written"], 3);
    assert_eq!(gateway.json(&["export", "maildir", path(&maildir)])["already_there"], 3);
    // Other programs read both.
    let script = "import sys, mailbox\n\
        box, maildir = mailbox.mbox(sys.argv[1]), mailbox.Maildir(sys.argv[2])\n\
        print(len(box), len(maildir), *sorted(mail['subject'] for mail in box))\n";
    let read =
        tests::program::output(place.path(), "python3", &["-c", script, path(&mbox), path(&maildir)], b"");
    assert_eq!(read.trim(), "3 3 one three two");

    // Into the mailbox they came from: they are there already.
    for (format, from) in [("mbox", &mbox), ("maildir", &maildir)] {
        let done = gateway.json(&["import", format, path(from)]);
        assert_eq!((&done["imported"], &done["already_there"]), (&0.into(), &3.into()), "{format}");
    }
    assert_eq!(gateway.mails(), before);
    // Into others: once, byte for byte.
    for (format, from) in [("mbox", &mbox), ("maildir", &maildir)] {
        let password = gateway.json(&["account", "add", format])["password"].as_str().unwrap().to_owned();
        for expected in [3, 0] {
            let done = gateway.json(&["import", format, path(from), "--account", format]);
            assert_eq!(done["imported"], expected, "{format}");
        }
        let mut all = pop3::Session::login(gateway.pop3(), format, &password).unwrap().all();
        all.sort();
        let mut expected = before.clone();
        expected.sort();
        assert!(all == expected, "{format}");
    }
    let wrong = gateway.run(&["import", "mbox", path(&program())]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("not an mbox file"), "{}", text(&wrong));
    let wrong = gateway.run(&["import", "maildir", path(place.path())]);
    assert!(text(&wrong).contains("not a Maildir"), "{}", text(&wrong));
}

#[test]
fn nothing_of_an_imported_file_vanishes_without_a_word() {
    let gateway = Gateway::start(network());
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(place.path().join(name), text).unwrap();
        place.path().join(name)
    };
    let thunderbird = "\u{feff}From - Thu Jan  1 00:00:00 1970\nX-Mozilla-Status: 0001\nSubject: one\n\nDear all,\n\n\
         From here on: no.\nFrom - Thu Jan  1 00:00:00 1970\nX-Mozilla-Status: 0009\nSubject: gone\n\ngone\n\
         From - Thu Jan  1 00:00:00 1970\n>From -\nSubject: two\n\ntwo\n";
    for (name, text) in [("lf", thunderbird.to_owned()), ("cr", thunderbird.replace('\n', "\r"))] {
        let done = gateway.json(&["import", "mbox", path(&file(name, text.as_str()))]);
        assert_eq!((&done["deleted"], &done["too_large"]), (&1.into(), &0.into()));
        assert_eq!(done["imported"].as_u64().unwrap() + done["already_there"].as_u64().unwrap(), 2, "{done}");
    }
    let mails = gateway.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(
        mails[0],
        b"X-Mozilla-Status: 0001\r\nSubject: one\r\n\r\nDear all,\r\n\r\nFrom here on: no.\r\n"
    );
    assert_eq!(mails[1], b"Subject: two\r\n\r\ntwo\r\n");
    // Only a deleted one: whoever calls this sees that nothing came.
    let gone = file("gone", "From - Thu Jan  1 00:00:00 1970\nX-Mozilla-Status: 0009\n\nx\n");
    let nothing = gateway.run(&["import", "mbox", path(&gone)]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing).contains("left out: 1 (deleted in the other program)"), "{}", text(&nothing));

    let maildir = place.path().join("maildir");
    for part in ["cur", ".Sent/cur"] {
        std::fs::create_dir_all(maildir.join(part)).unwrap();
    }
    for (name, text) in [
        ("cur/1.a:2,S", "Subject: three\n\nx\n"),
        ("cur/2.b:2,T", "x"),
        ("cur/3.c:2,DS", "x"),
        ("cur/4.d:2,S", ""),
    ] {
        std::fs::write(maildir.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("/etc/hostname", maildir.join("cur/5.e:2,S")).unwrap();
    let done = gateway.json(&["import", "maildir", path(&maildir)]);
    for (what, count) in
        [("imported", 1), ("deleted", 1), ("drafts", 1), ("empty", 1), ("links", 1), ("others", 0)]
    {
        assert_eq!(done[what], count, "{what} in {done}");
    }
    assert_eq!(done["folders"], serde_json::json!([".Sent"]));
}

/// Encrypts a profile as every Tox program does, with c-toxcore itself.
const ENCRYPT: &str = "import ctypes, ctypes.util, sys\n\
    core = ctypes.CDLL(ctypes.util.find_library('toxcore'))\n\
    data, password = open(sys.argv[1], 'rb').read(), b'open sesame'\n\
    out, error = ctypes.create_string_buffer(len(data) + 80), ctypes.c_int()\n\
    core.tox_pass_encrypt.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]\n\
    core.tox_pass_encrypt.restype = ctypes.c_bool\n\
    assert core.tox_pass_encrypt(data, len(data), password, len(password), out, ctypes.byref(error))\n\
    open(sys.argv[2], 'wb').write(out.raw)\n";

/// The profile of a Tox program that has `friend` as a friend.
pub(crate) fn profile(friend: &str) -> (Vec<u8>, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = tox::Options { ipv6: false, hole_punching: false, ..tox::Options::default() };
        let (instance, _events) = tox::Tox::start(options).await.unwrap();
        let friend: mail::ToxId = friend.parse().unwrap();
        instance.accept_friend(friend.key).await.unwrap();
        let saved = instance.saved().await.unwrap();
        let id = instance.id().to_string();
        instance.shutdown().await;
        (saved.as_bytes().to_vec(), id)
    })
}

#[test]
fn another_programs_profile_becomes_an_account_with_its_friends() {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    let (saved, id) = profile(&b.tox_id());
    let place = tempfile::tempdir().unwrap();
    let (plain, encrypted) = (place.path().join("plain.tox"), place.path().join("encrypted.tox"));
    std::fs::write(&plain, saved).unwrap();
    let _ = tests::program::output(
        place.path(),
        "python3",
        &["-c", ENCRYPT, path(&plain), path(&encrypted)],
        b"",
    );
    let without = a.run(&["import", "tox-profile", path(&encrypted), "--name", "dora"]);
    assert!(text(&without).contains("--password-file"), "{}", text(&without));
    let (right, wrong) = (place.path().join("right"), place.path().join("wrong"));
    std::fs::write(&right, "open sesame\n").unwrap();
    std::fs::write(&wrong, "sesame\n").unwrap();
    let import = |password: &Path| {
        a.run(&[
            "import",
            "tox-profile",
            path(&encrypted),
            "--name",
            "dora",
            "--password-file",
            path(password),
        ])
    };
    let refused = import(&wrong);
    assert!(text(&refused).contains("does not open"), "{}", text(&refused));
    let made = import(&right);
    assert!(made.status.success(), "{}", text(&made));

    assert_eq!(a.json(&["id", "--account", "dora"])["tox_id"], id.as_str());
    let contacts = a.json(&["contact", "list", "--account", "dora"]);
    assert_eq!(contacts[0]["key"], &b.tox_id()[..64]);
    assert_eq!(contacts[0]["state"], "confirmed");
    let twice = a.run(&["import", "tox-profile", path(&plain), "--name", "emil"]);
    assert!(text(&twice).contains("dora"), "{}", text(&twice));
    // Right in form, and with a public key that is not that of the secret key: the Tox library refuses it.
    let mut damaged = std::fs::read(&plain).unwrap();
    damaged[8 + 8 + 4] ^= 1;
    std::fs::write(&plain, damaged).unwrap();
    let refused = a.run(&["import", "tox-profile", path(&plain), "--name", "emil"]);
    assert!(text(&refused).contains("refuses this profile"), "{}", text(&refused));
    assert_eq!(refused.status.code(), Some(1));
    let none = a.run(&["import", "tox-profile", path(&right), "--name", "emil"]);
    assert!(text(&none).contains("not of a Tox program"), "{}", text(&none));

    // A friend whose key nobody can have is no contact, and is not counted as one.
    let (mut saved, _) = profile(&b.tox_id());
    let key = b.tox_id()[..64].parse::<mail::PublicKey>().unwrap().0;
    let at = saved.windows(32).position(|window| window == key).expect("the friend");
    saved[at + 31] |= 0x80;
    std::fs::write(&plain, saved).unwrap();
    let made = a.json(&["import", "tox-profile", path(&plain), "--name", "emil"]);
    assert_eq!(made["contacts"], 0, "{made}");
    assert_eq!(a.json(&["contact", "list", "--account", "emil"]), serde_json::json!([]));
}

#[test]
fn contacts_are_added_by_link_and_vcard() {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    let place = tempfile::tempdir().unwrap();
    let link = printed(&b, &["id", "--link"]);
    assert_eq!(link.trim_end(), format!("tox:{}", b.tox_id()));
    let card = place.path().join("ben.vcf");
    std::fs::write(&card, printed(&b, &["id", "--vcard"])).unwrap();
    let _ = a.json(&["contact", "add", "ben", path(&card)]);
    let contacts = a.json(&["contact", "list"]);
    assert_eq!(contacts[0]["tox_id"], b.tox_id());
    let _ = a.json(&["contact", "remove", "ben"]);
    let _ = a.json(&["contact", "add", "ben", &format!("{}?name=Ben", link.trim_end())]);
    assert_eq!(a.json(&["contact", "list"])[0]["tox_id"], b.tox_id());
    std::fs::write(&card, "BEGIN:VCARD\nVERSION:3.0\nFN:x\nEND:VCARD\n").unwrap();
    let none = a.run(&["contact", "add", "carl", path(&card)]);
    assert!(text(&none).contains("no Tox ID"), "{}", text(&none));
}

#[test]
fn accounts_are_switched_off_and_on_and_removed() {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    let password = b.json(&["account", "add", "carla"])["password"].as_str().unwrap().to_owned();
    let carla = b.json(&["id", "--account", "carla"])["tox_id"].as_str().unwrap().to_owned();
    let login = || pop3::Session::login(b.pop3(), "carla", &password);
    assert!(login().is_ok());
    let _ = b.json(&["account", "disable", "carla"]);
    assert!(login().is_err());
    assert_eq!(b.json(&["account", "list"])[1]["enabled"], false);
    assert!(printed(&b, &["account", "list"]).contains("switched off"));

    // Mail waits at the sender while it is off, and arrives when it is on again: also over a restart.
    let mail = b"Subject: patience\r\n\r\nwaits\r\n";
    a.submit(&format!("{}@tox", carla.to_lowercase()), mail);
    let mut b = b;
    assert_eq!(b.stop().code(), Some(0));
    b.restart();
    assert!(pop3::Session::login(b.pop3(), "carla", &password).is_err());
    let _ = b.json(&["account", "enable", "carla"]);
    let key = &a.tox_id()[..64];
    wait::until("the request at carla", || {
        let requests = b.json(&["contact", "requests", "--account", "carla"]);
        requests.as_array()?.iter().any(|request| request["key"] == key).then_some(())
    });
    let _ = b.json(&["contact", "accept", key, "anna", "--account", "carla"]);
    wait::until("the mail at carla", || {
        let mut session = pop3::Session::login(b.pop3(), "carla", &password).ok()?;
        session.all().iter().any(|one| one.ends_with(mail)).then_some(())
    });

    assert_eq!(b.run(&["account", "remove", "carla"]).status.code(), Some(2));
    let _ = b.json(&["account", "remove", "carla", "--yes"]);
    assert!(pop3::Session::login(b.pop3(), "carla", &password).is_err());
    assert_eq!(b.json(&["account", "list"]).as_array().unwrap().len(), 1);
    for verb in [&["account", "remove", "owner", "--yes"][..], &["account", "disable", "owner"]] {
        let refused = b.run(verb);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused).contains("owner"), "{}", text(&refused));
    }
    let gone = b.run(&["status", "--account", "carla"]);
    assert!(text(&gone).contains("account list"), "{}", text(&gone));
    // The name is free, and nothing of the old one is there.
    let password = b.json(&["account", "add", "carla"])["password"].as_str().unwrap().to_owned();
    assert_eq!(pop3::Session::login(b.pop3(), "carla", &password).unwrap().count(), 0);
    assert_ne!(b.json(&["id", "--account", "carla"])["tox_id"], carla);
}

#[test]
fn the_configuration_is_read_again() {
    let gateway = Gateway::start(network());
    assert_eq!(printed(&gateway, &["reload"]), "nothing changed\n");
    let file = gateway.path("config.toml");
    let changed = "[mail]\nexpiry_days = 3\nmax_bytes = 2000\nwelcome = false\n";
    std::fs::write(&file, changed).unwrap();
    let reloaded = gateway.json(&["reload"]);
    assert_eq!(reloaded["changed"], serde_json::json!(["mail.expiry_days", "mail.max_bytes"]));
    assert_eq!(reloaded["after_restart"], serde_json::json!(["mail.welcome"]));
    // It holds for the next mail.
    let nobody = mail::ToxId { key: mail::PublicKey([7; 32]), nospam: mail::Nospam([1, 2, 3, 4]) };
    gateway.submit(&format!("{nobody}@tox"), b"Subject: x\r\n\r\nx\r\n");
    let waiting = gateway.json(&["outbox", "list"]);
    let days = |name: &str| waiting[0][name].as_str().unwrap()[8..10].parse::<i32>().unwrap();
    assert!([3, 3 - 28, 3 - 29, 3 - 30, 3 - 31].contains(&(days("expires") - days("created"))), "{waiting}");
    let mut session = smtp::Session::login(gateway.smtp(), &gateway.account(), &gateway.password());
    let own = gateway.address();
    let refused = session.send(&own, &[&own], format!("{}\r\n", "x".repeat(2000)).as_bytes()).unwrap_err();
    assert!(refused.starts_with("552 5.3.4") && refused.contains("2000"), "{refused}");

    std::fs::write(&file, "[mail]\nexpiry_day = 3\n").unwrap();
    let refused = gateway.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("did you mean `expiry_days`"), "{}", text(&refused));
    std::fs::write(&file, "[mail]\nunfiltered = \"quarantine\"\n").unwrap();
    signal(gateway.pid(), "HUP");
    wait::until("the log to say it", || gateway.log().contains("mail.unfiltered").then_some(()));
}

#[test]
fn the_service_manager_is_told() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(wait::DEADLINE)).unwrap();
    let hear = || {
        let mut text = [0; 1000];
        let length = manager.recv(&mut text).expect("the gateway tells something");
        String::from_utf8(text[..length].to_vec()).unwrap().trim_end().to_owned()
    };
    let data = place.path().join("data");
    let mut child = Gateway::command(&data, &["--no-public-bootstrap".to_owned()])
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "1000000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(hear().starts_with("READY=1\n"));
    assert_eq!(hear(), "WATCHDOG=1");
    assert_eq!(hear(), "WATCHDOG=1");
    signal(child.id(), "TERM");
    assert!(
        wait::until("its stop", || Some(hear()).filter(|text| text != "WATCHDOG=1"))
            .starts_with("STOPPING=1")
    );
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_units_are_what_systemd_understands() {
    let units = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/daemon/systemd");
    let place = tempfile::tempdir().unwrap();
    for (name, options) in [("toxmail.service", &[][..]), ("user/toxmail.service", &["--user"])] {
        // The program is not installed here: the units are checked with the one that was built.
        let unit = std::fs::read_to_string(format!("{units}/{name}")).unwrap();
        let unit = unit.replace("/usr/bin/toxmail", path(&program()));
        let file = place.path().join("toxmail.service");
        std::fs::write(&file, unit).unwrap();
        let mut command = Command::new("systemd-analyze");
        command.env("XDG_RUNTIME_DIR", place.path());
        let output = match command.args(["verify", "--man=no"]).args(options).arg(&file).output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("systemd-analyze is not installed: the units were not checked");
                return;
            }
            output => output.unwrap(),
        };
        assert!(output.status.success() && text(&output).is_empty(), "{name}: {}", text(&output));
    }
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=25", &format!("{units}/toxmail.service")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn completions_and_manual_pages_name_every_verb() {
    let run = |arguments: &[&str]| Command::new(program()).args(arguments).output().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let completions = run(&["completions", shell]);
        assert!(completions.status.success());
        assert!(text(&completions).contains("mailclient"), "{shell}");
    }
    let place = tempfile::tempdir().unwrap();
    assert!(run(&["man", path(place.path())]).status.success());
    for page in ["toxmail.1", "toxmail-up.1", "toxmail-contact-add.1", "toxmail-backup.1"] {
        let page = std::fs::read_to_string(place.path().join(page))
            .unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(page.contains(".TH"), "{page}");
    }
}

#[test]
fn two_gateways_stay_friends_when_one_is_restored() {
    let (a, mut b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&a, &b, ["anna", "ben"]);
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("backup.tar");
    let _ = printed(&b, &["backup", path(&file)]);
    b.kill();
    let directory = tempfile::tempdir().unwrap();
    let restored = Command::new(program())
        .args(["restore", path(&file), "--data", path(directory.path())])
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", text(&restored));
    let b = Gateway::start_from(directory, network().options());
    let mail = b"Subject: after the disk broke\r\n\r\nstill there?\r\n";
    a.submit("ben@tox", mail);
    let _ = b.wait_for_mail(mail);
}

#[test]
fn a_declined_request_does_not_come_back_and_is_forgotten_when_the_user_adds_them() {
    let (anna, mut ben) = (Gateway::start(network()), Gateway::start(network()));
    let key = &anna.tox_id()[..64];
    let asked = |ben: &Gateway| ben.json(&["contact", "requests"]).as_array().unwrap().len();
    let _ = anna.json(&["contact", "add", "ben", &ben.tox_id()]);
    wait::until("the request", || (asked(&ben) == 1).then_some(()));
    let declined = ben.run(&["contact", "decline", key]);
    assert!(declined.status.success(), "{}", text(&declined));
    assert_eq!(asked(&ben), 0);
    // The Tox library shows the requests of one key once in its life.
    let ask_again = |ben: &mut Gateway| {
        assert!(ben.stop().success());
        ben.restart();
        let _ = anna.json(&["contact", "remove", "ben"]);
        let _ = anna.json(&["contact", "add", "ben", &ben.tox_id()]);
    };
    ask_again(&mut ben);
    let ignored = "a friend request of somebody who was declined was ignored";
    wait::until("another request", || ben.log().contains(ignored).then_some(()));
    assert_eq!(asked(&ben), 0);
    let twice = ben.run(&["contact", "decline", key]);
    assert!(!twice.status.success(), "{}", text(&twice));

    let _ = ben.json(&["contact", "add", "anna", &anna.tox_id()]);
    tests::gateway::wait_online(&anna, "ben");
    let renamed = ben.json(&["contact", "rename", "anna", "annie"]);
    assert_eq!(renamed["alias"], "annie");
    let mail = b"Subject: x\r\n\r\nby another name\r\n";
    ben.submit("annie@tox", mail);
    let _ = anna.wait_for_mail(mail);
    let blocked = ben.run(&["contact", "remove", "annie", "--block"]);
    assert!(text(&blocked).contains("annie is removed and blocked"), "{}", text(&blocked));
    let before = ben.log().matches(ignored).count();
    ask_again(&mut ben);
    wait::until("a request that is ignored", || (ben.log().matches(ignored).count() > before).then_some(()));
    assert_eq!(asked(&ben), 0);
}

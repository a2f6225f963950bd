use std::os::unix::fs::PermissionsExt;

use super::*;

fn ready(pid: u32) -> Ready {
    let tox_id: ToxId =
        "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5".parse().unwrap();
    let account: AccountName = "anna".parse().unwrap();
    Ready {
        pid,
        version: "0.1.0".to_owned(),
        tox_id: Some(tox_id),
        relay_address: None,
        smtp: "127.0.0.1:2525".to_owned(),
        pop3: "127.0.0.1:2626".to_owned(),
        admin_certificate_file: None,
        admin: "127.0.0.1:8080".to_owned(),
        account: account.clone(),
        password_file: "/d/password".into(),
        admin_token_file: "/d/admin-token".into(),
        accounts: vec![ReadyAccount { name: account, tox_id }],
    }
}

#[test]
fn what_is_written_is_read_and_removed() {
    let directory = tempfile::tempdir().unwrap();
    let written = ready(std::process::id());
    written.write(directory.path()).unwrap();
    written.write(directory.path()).unwrap();
    assert_eq!(Ready::read(directory.path()).unwrap(), written);
    let mode = fs::metadata(directory.path().join(FILE_NAME)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
    Ready::remove(directory.path()).unwrap();
    Ready::remove(directory.path()).unwrap();
    assert!(matches!(Ready::read(directory.path()), Err(ReadyError::Missing)));
}

#[test]
fn the_names_are_the_promised_ones() {
    let json = serde_json::to_value(ready(7)).unwrap();
    let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let mut promised = [
        "pid",
        "version",
        "tox_id",
        "smtp",
        "pop3",
        "admin",
        "account",
        "password_file",
        "admin_token_file",
        "accounts",
    ];
    promised.sort_unstable();
    assert_eq!(names, promised);
}

#[test]
fn a_damaged_file_is_told_as_such() {
    let directory = tempfile::tempdir().unwrap();
    for text in ["", "{}", "[1]", "{\"pid\": -1}", &"x".repeat(300_000)] {
        fs::write(directory.path().join(FILE_NAME), text).unwrap();
        let error = Ready::read(directory.path()).unwrap_err();
        assert!(matches!(error, ReadyError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("delete it"));
    }
}

#[test]
fn a_process_that_ended_is_not_alive() {
    assert!(ready(std::process::id()).is_process_alive());
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    assert!(!ready(child.id()).is_process_alive());
    assert!(!ready(0).is_process_alive());
    assert!(!ready(u32::MAX).is_process_alive());
}

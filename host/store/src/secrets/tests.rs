use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_secret_is_private_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Secrets::open(&dir.path().join("keys")).unwrap();
    assert!(secrets.read("box-1").unwrap().is_none());
    secrets.write("box-1", b"first").unwrap();
    secrets.write("box-1", b"second").unwrap();
    assert_eq!(secrets.read("box-1").unwrap().unwrap().as_slice(), b"second");
    assert_eq!(mode(&dir.path().join("keys")), 0o700);
    assert_eq!(mode(&dir.path().join("keys/box-1")), 0o600);
}

#[test]
fn erasing_overwrites_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Secrets::open(dir.path()).unwrap();
    secrets.write("key", b"secret").unwrap();
    // A second name for the same bytes shows what is left of them.
    std::fs::hard_link(dir.path().join("key"), dir.path().join("witness")).unwrap();
    assert!(secrets.erase("key").unwrap());
    assert!(!secrets.erase("key").unwrap());
    assert_eq!(std::fs::read(dir.path().join("witness")).unwrap(), [0; 6]);
}

#[test]
fn all_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Secrets::open(dir.path()).unwrap();
    for name in ["anna.1", "anna.2", "ben.1"] {
        secrets.write(name, b"x").unwrap();
    }
    secrets.erase("anna.1").unwrap();
    std::fs::write(dir.path().join("half.new"), b"half").unwrap();
    let mut names = secrets.names().unwrap();
    names.sort();
    assert_eq!(names, ["anna.2", "ben.1"]);
}

#[test]
fn a_key_file_of_another_length_is_set_aside_and_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Secrets::open(dir.path()).unwrap();
    secrets.write("good", &[1; KEY_BYTES]).unwrap();
    assert_eq!(*secrets.read_key("good").unwrap().unwrap(), [1; KEY_BYTES]);
    assert!(secrets.read_key("other").unwrap().is_none());
    for (number, length) in [KEY_BYTES - 1, 0, SECRET_BYTES + 1].into_iter().enumerate() {
        std::fs::write(dir.path().join("bad"), vec![2; length]).unwrap();
        assert!(secrets.read_key("bad").unwrap().is_none());
        assert!(!dir.path().join("bad").exists());
        let aside = dir.path().join(format!("bad.damaged-{}", number + 1));
        assert_eq!(std::fs::read(&aside).unwrap(), vec![2; length]);
    }
    secrets.write("bad", &[3; KEY_BYTES]).unwrap();
    assert_eq!(*secrets.read_key("bad").unwrap().unwrap(), [3; KEY_BYTES]);
    let asides = secrets.asides().unwrap();
    assert!(asides.len() == 3 && asides.iter().all(|(_, of)| of == "bad"), "{asides:?}");
    assert!(secrets.erase("bad").unwrap(), "its time is over");
    assert_eq!(secrets.names().unwrap(), ["good"]);
}

#[test]
fn remains_of_a_write_are_erased() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("key.new"), b"half").unwrap();
    Secrets::open(dir.path()).unwrap();
    assert!(!dir.path().join("key.new").exists());
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Secrets::open(dir.path()).unwrap();
    for name in ["", ".", "..", "../key", "a/b", ".hidden", "key.new", "a\0b", &"x".repeat(101)] {
        assert!(matches!(secrets.write(name, b"x"), Err(SecretError::Name(_))), "{name}");
        assert!(matches!(secrets.read(name), Err(SecretError::Name(_))), "{name}");
        assert!(matches!(secrets.erase(name), Err(SecretError::Name(_))), "{name}");
    }
}

#[test]
fn what_is_too_long_is_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = Secrets::open(dir.path()).unwrap();
    let long = vec![0; SECRET_BYTES + 1];
    assert!(matches!(secrets.write("key", &long), Err(SecretError::TooLong(_))));
    std::fs::write(dir.path().join("key"), &long).unwrap();
    assert!(matches!(secrets.read("key"), Err(SecretError::TooLong(_))));
}

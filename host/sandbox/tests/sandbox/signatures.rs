//! Signed components: taken with a trusted key's signature of these very bytes, and nothing else where signatures are required.

use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use sandbox::{CompileMode, ComponentInfo, Library, LibraryError, Refused, Trust};

use crate::setup::{NOW, engine, private_directory};

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> [u8; 32] {
    key(number).verifying_key().to_bytes()
}

fn open(directory: &Path, trusted: &[u8], required: bool) -> Library {
    let keys: Vec<[u8; 32]> = trusted.iter().map(|number| public(*number)).collect();
    let trust = Trust::new(&keys, required).unwrap();
    Library::open_trusting(engine(), directory, CompileMode::InProcess, trust).unwrap()
}

fn component() -> Vec<u8> {
    builtin::components()[0].bytes.to_vec()
}

async fn add(library: &Library, signature: Option<[u8; 64]>) -> Result<ComponentInfo, Refused> {
    library.add_signed("mine", component(), signature, NOW).await.map_err(|error| match error {
        LibraryError::Refused(refused) => refused,
        other => panic!("{other:?}"),
    })
}

fn signed_by(number: u8) -> Option<[u8; 64]> {
    Some(key(number).sign(&component()).to_bytes())
}

#[tokio::test]
async fn signatures_are_optional_and_remembered() {
    let directory = private_directory();
    let library = open(directory.path(), &[1, 2], false);
    assert_eq!(add(&library, None).await.unwrap().signed_by, None);
    let info = add(&library, signed_by(2)).await.unwrap();
    assert_eq!(info.signed_by, Some(hex::encode(public(2))));
    // Added again without: it stays signed, also after a restart.
    assert!(add(&library, None).await.unwrap().signed_by.is_some());
    let again = open(directory.path(), &[2], true);
    assert!(again.may_use(info.sha256));
}

#[tokio::test]
async fn a_wrong_signature_is_refused_even_where_none_is_needed() {
    let directory = private_directory();
    let library = open(directory.path(), &[1], false);
    let other_file = Some(key(1).sign(b"another file").to_bytes());
    for wrong in [signed_by(3), other_file, Some([0; 64]), Some([0xff; 64])] {
        let refused = add(&library, wrong).await.unwrap_err();
        assert!(matches!(refused, Refused::Signature(_)), "{refused:?}");
        assert!(refused.to_string().contains("trusted_keys"), "{refused}");
    }
    assert!(library.list().is_empty());
    let untrusting = open(directory.path(), &[], false);
    let refused = add(&untrusting, signed_by(1)).await.unwrap_err();
    assert!(refused.to_string().contains("no key is trusted here"), "{refused}");
}

#[tokio::test]
async fn where_signatures_are_required_nothing_else_is_taken_or_used() {
    let directory = private_directory();
    let before = open(directory.path(), &[], false);
    let unsigned = add(&before, None).await.unwrap().sha256;

    let strict = open(directory.path(), &[1], true);
    assert!(strict.info(unsigned).is_some() && !strict.may_use(unsigned), "there, and not used");
    let refused = add(&strict, None).await.unwrap_err();
    assert_eq!(refused, Refused::Unsigned);
    assert!(refused.to_string().contains("--signature FILE"), "{refused}");
    assert!(add(&strict, signed_by(1)).await.is_ok());
    assert!(strict.may_use(unsigned));

    // The key is trusted no longer.
    let other = open(directory.path(), &[2], true);
    assert!(!other.may_use(unsigned));
    let builtin = other.add_builtin("default-policy", builtin::components()[1].bytes).await.unwrap();
    assert!(other.may_use(builtin.sha256), "what came with the gateway needs no signature");
}

#[test]
fn a_weak_key_is_no_key() {
    assert!(Trust::new(&[[0; 32]], true).is_err());
    let trust = Arc::new(Trust::new(&[public(1)], true).unwrap());
    assert!(trust.admits(Some(&hex::encode(public(1)))) && !trust.admits(None));
}

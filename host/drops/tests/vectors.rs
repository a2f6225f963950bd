//! Test vectors: fixed keys in, exact bytes out, for every derived value of the protocol.
//!
//! `vectors.json` is compared with what this crate computes, and checked by `vectors.py`, an implementation of its own on
//! PyNaCl (libsodium) and hashlib. The second test needs Python 3 with PyNaCl: it uses what is installed
//! (`apt-get install python3-nacl`), else it makes a virtual environment under the target directory and installs
//! pynacl 1.6.2 there from PyPI (needs python3-venv and the network once).
//!
//! After a deliberate change of the protocol: `DROPS_WRITE_VECTORS=1 cargo test --release -p drops --test vectors`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use drops::cell::{Name, Place, Sealer};
use drops::hash::{hash, keyed};
use drops::mailbox::Period;
use drops::parcel::{Kind, Parcel};
use drops::point::{Point, Secret};
use drops::record::{MailboxRecord, OwnerMark};
use drops::segment::{ClosedSegment, Entry};
use drops::stamp::Challenge;
use drops::token::{IssuingKey, Token, TokenRequest};
use drops::ttl::Ttl;
use mail::{MailId, Nospam, PublicKey, ToxId, Wall};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Value, json};

const BOARD: [u8; 32] = [0x52; 32];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// 0, 1, 2 ... from `first`: so that swapped bytes are noticed.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first.wrapping_add(at as u8))
}

fn cell() -> Value {
    let (e, m, s) = (counting(1), counting(33), counting(65));
    let nonce: [u8; 24] = std::array::from_fn(|at| 200 + at as u8);
    let place = Place { mail: MailId([0x4d; 16]), index: 2, count: 3, digest: counting(97) };
    let chunk = b"Subject: hello\r\n\r\nA part of a mail.\r\n";
    let (once, recipient, sender) = (Secret::from_bytes(e), Secret::from_bytes(m), Secret::from_bytes(s));
    let (point, mailbox, board) = (once.point(), recipient.point(), PublicKey(BOARD));
    let sealer = Sealer { sender: &sender, mailbox: &mailbox, board: &board };
    let cell = sealer.seal_with(&once, &nonce, &place, chunk).unwrap();
    let shared = once.agree(&mailbox).unwrap();
    let derived =
        |label: &[u8]| keyed(shared.as_bytes(), &[b"toxmail drop 1", label, &BOARD, &point.0, &mailbox.0]);
    json!({
        "in": {
            "e": hex::encode(e), "m": hex::encode(m), "sender_secret": hex::encode(s), "board": hex::encode(BOARD),
            "nonce": hex::encode(nonce), "mail_id": hex::encode(place.mail.0), "index": place.index,
            "count": place.count, "digest": hex::encode(place.digest), "chunk": hex::encode(chunk),
        },
        "out": {
            "E": hex::encode(point.0), "M": hex::encode(mailbox.0), "S": hex::encode(sender.point().0),
            "shared": hex::encode(shared.as_bytes()), "k_view": hex::encode(derived(b"view")),
            "k_cell": hex::encode(derived(b"cell")), "view": hex::encode(cell.view()),
            "cell": hex::encode(cell.bytes()), "name": hex::encode(cell.name().0),
            "cell_digest": hex::encode(cell.digest()),
        }
    })
}

fn parcel() -> Value {
    let parcel = Parcel { kind: Kind::Mail, record: b"record".to_vec(), content: b"content".to_vec() };
    let encoded = parcel.encode().unwrap();
    json!({
        "in": { "record": hex::encode(&parcel.record), "content": hex::encode(&parcel.content) },
        "out": { "parcel": hex::encode(&encoded), "parcel_digest": hex::encode(hash(&[&encoded])) }
    })
}

fn record() -> Value {
    let token = Token { period: Period(2_950), random: counting(3), output: [0x6f; 64] };
    let record = MailboxRecord {
        made: Wall(1_784_000_000_123),
        owner: ToxId { key: PublicKey(counting(5)), nospam: Nospam([1, 2, 3, 4]) },
        keys: vec![(Period(2_950), Point(counting(7))), (Period(2_951), Point(counting(9)))],
        boards: vec![PublicKey(BOARD)],
        tokens: vec![(PublicKey(BOARD), token.clone())],
        owners: vec![],
    };
    let mark = OwnerMark([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    let with_owner = MailboxRecord { owners: vec![(PublicKey(BOARD), mark)], ..record.clone() };
    json!({
        "in": {
            "made": record.made.0, "owner": hex::encode(counting(5)), "nospam": "01020304", "period": 2_950,
            "key": hex::encode(counting(7)), "next_key": hex::encode(counting(9)), "board": hex::encode(BOARD),
            "random": hex::encode(token.random), "output": hex::encode(token.output), "mark": hex::encode(mark.0),
        },
        "out": {
            "record": hex::encode(record.encode().unwrap()),
            "record_with_owner": hex::encode(with_owner.encode().unwrap()),
        }
    })
}

fn stamp() -> Value {
    let challenge = Challenge {
        board: PublicKey(BOARD),
        point: Point(counting(11)),
        ttl: Ttl::TwoWeeks,
        day: 20_650,
        segment: 77,
        hash: counting(13),
    };
    let stamp = challenge.search(14, 0, 1 << 24).unwrap();
    let found = hash(&[
        b"toxmail stamp 1",
        &BOARD,
        &challenge.point.0,
        &[2],
        &challenge.day.to_le_bytes(),
        &challenge.hash,
        &stamp.nonce.to_le_bytes(),
    ]);
    json!({
        "in": {
            "board": hex::encode(BOARD), "E": hex::encode(challenge.point.0), "ttl_class": 2, "day": challenge.day,
            "segment_hash": hex::encode(challenge.hash), "bits": 14,
        },
        "out": { "stamp_nonce": stamp.nonce, "stamp_hash": hex::encode(found) }
    })
}

fn segment() -> Value {
    let mut entries: Vec<Entry> = Ttl::ALL
        .iter()
        .zip([40, 30, 20, 10])
        .map(|(ttl, byte)| Entry { name: Name(counting(byte)), ttl: *ttl, digest: counting(byte + 1) })
        .collect();
    entries.sort();
    let closed = ClosedSegment::new(&PublicKey(BOARD), 77, Wall(0), &entries);
    let list = |of: &dyn Fn(&Entry) -> Value| entries.iter().map(of).collect::<Vec<Value>>();
    let editions = closed.editions.map(|facts| hex::encode(facts.hash));
    json!({
        "in": {
            "board": hex::encode(BOARD), "number": 77,
            "names": list(&|entry| json!(hex::encode(entry.name.0))),
            "ttl_classes": list(&|entry| json!(entry.ttl.class())),
            "digests": list(&|entry| json!(hex::encode(entry.digest))),
        },
        "out": {
            "edition_0": editions[0], "edition_1": editions[1], "edition_2": editions[2], "edition_3": editions[3],
        }
    })
}

fn token() -> Value {
    let (board, period) = (PublicKey(BOARD), Period(2_950));
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let key = IssuingKey::from_seed(period, &counting(17)).unwrap();
    let request = TokenRequest::new(&board, period, 1, &mut rng).unwrap();
    let (evaluated, proof) = key.issue(&mut rng, request.blinded()).unwrap();
    let token = request.finish(&evaluated, &proof, &key.public()).unwrap().remove(0);
    json!({
        "in": {
            "board": hex::encode(BOARD), "period": period.0, "seed": hex::encode(counting(17)),
            "random": hex::encode(token.random),
        },
        "out": {
            "issuing_secret": hex::encode(*key.to_bytes()), "issuing_key": hex::encode(key.public()),
            "token_input": hex::encode(token.mark(&board).input), "token_output": hex::encode(token.output),
        }
    })
}

fn board() -> Value {
    let nospam = drops::board::board_nospam(&PublicKey(BOARD));
    let id = ToxId { key: PublicKey(BOARD), nospam };
    json!({
        "in": { "board": hex::encode(BOARD) },
        "out": { "nospam": hex::encode(nospam.0), "tox_id": hex::encode(id.to_bytes()) }
    })
}

#[test]
fn the_crate_computes_the_vectors() {
    let computed = json!({
        "cell": cell(), "parcel": parcel(), "record": record(), "stamp": stamp(), "segment": segment(),
        "token": token(), "board": board(),
    });
    if std::env::var_os("DROPS_WRITE_VECTORS").is_some() {
        std::fs::write(file("vectors.json"), serde_json::to_string_pretty(&computed).unwrap() + "\n")
            .unwrap();
    }
    let known: Value = serde_json::from_str(&std::fs::read_to_string(file("vectors.json")).unwrap()).unwrap();
    assert_eq!(computed, known);
}

fn has_pynacl(python: &Path) -> bool {
    Command::new(python).args(["-c", "import nacl.bindings"]).output().is_ok_and(|run| run.status.success())
}

fn run(command: &mut Command) {
    let run = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; install python3"));
    assert!(
        run.status.success(),
        "{command:?} failed; `apt-get install python3-nacl` makes this test work without the network.\n{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

/// A Python with PyNaCl: the installed one, or one of our own, made once however many tests ask.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let installed = PathBuf::from("python3");
    if has_pynacl(&installed) {
        return installed;
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pynacl");
    let python = place.join("bin/python3");
    if !has_pynacl(&python) {
        run(Command::new(&installed).args(["-m", "venv", "--clear"]).arg(&place));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pynacl==1.6.2"]));
    }
    python
});

#[test]
fn libsodium_and_hashlib_compute_them_too() {
    run(Command::new(&*PYTHON).arg(file("vectors.py")).arg(file("vectors.json")));
}

#[test]
fn the_independent_check_notices_a_wrong_byte() {
    let text = std::fs::read_to_string(file("vectors.json")).unwrap();
    let mut vectors: Value = serde_json::from_str(&text).unwrap();
    let output = vectors["token"]["out"]["token_output"].as_str().unwrap().to_owned();
    let flipped = if output.starts_with('0') { "1" } else { "0" };
    vectors["token"]["out"]["token_output"] = json!(format!("{flipped}{}", &output[1..]));
    let wrong = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong-vectors.json");
    std::fs::write(&wrong, vectors.to_string()).unwrap();
    let check = Command::new(&*PYTHON).arg(file("vectors.py")).arg(&wrong).output().unwrap();
    assert!(!check.status.success());
    assert!(String::from_utf8_lossy(&check.stderr).contains("token.token_output differs"));
}

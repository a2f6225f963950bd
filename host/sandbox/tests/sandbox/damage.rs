//! Uploads are parsed: of a valid component, bytes are changed, cut out, doubled and mixed with another one's. Whatever comes of it is taken, or refused
//! with a reason and advice; nothing panics, and the compiling child stays within its limits.
//!
//! The damage is the same in every run; `PROPTEST_CASES=10000` tries more of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sandbox::{CompileError, CompileLimits, Library, LibraryError};

use crate::compiling::child_with;
use crate::malformed::module_of_a_policy;
use crate::setup::{NOW, clock, engine, private_directory};

/// What the child may use: a real one of these components needs a small part of it.
const LIMITS: CompileLimits = CompileLimits {
    memory_bytes: 1 << 30,
    cpu_seconds: 20,
    time: Duration::from_secs(40),
    compiled_bytes: 32 << 20,
};

/// An upload takes no longer: compiling, and each conformance case to its time limit.
const BOUND: Duration = Duration::from_secs(60);

/// Damage of one kind. Where in the file it happens is found when it is known how long that is.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte becomes another one.
    Change(Index, u8),
    /// The rest is missing.
    Truncate(Index),
    /// Bytes are missing.
    Cut(Index, usize),
    /// Bytes stand there twice.
    Double(Index, usize),
    /// Bytes of something else stand in between.
    Insert(Index, Vec<u8>),
    /// Two sections change places.
    Swap(Index, Index),
    /// A section is missing.
    Drop(Index),
    /// A section of another component stands in between.
    Splice(Index, Index, Index),
    /// A byte of a section becomes another one: large sections are not damaged more often than small ones.
    ChangeSection(Index, Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Change(at, byte)),
        1 => at().prop_map(Damage::Truncate),
        1 => (at(), 1_usize..2000).prop_map(|(at, length)| Damage::Cut(at, length)),
        1 => (at(), 1_usize..2000).prop_map(|(at, length)| Damage::Double(at, length)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (at(), at()).prop_map(|(one, other)| Damage::Swap(one, other)),
        1 => at().prop_map(Damage::Drop),
        2 => (at(), at(), at()).prop_map(|(at, whose, which)| Damage::Splice(at, whose, which)),
        4 => (at(), at(), any::<u8>()).prop_map(|(which, at, byte)| Damage::ChangeSection(which, at, byte)),
    ]
}

/// The header and the sections of a component or module (WebAssembly core specification 5.5.2); what is no section is one.
fn sections(bytes: &[u8]) -> Vec<&[u8]> {
    let (header, mut rest) = bytes.split_at(bytes.len().min(8));
    let mut sections = vec![header];
    while !rest.is_empty() {
        let (section, next) = rest.split_at(section_length(rest).unwrap_or(rest.len()));
        sections.push(section);
        rest = next;
    }
    sections
}

/// The id, the length in LEB128, and as many bytes; none if they are not there.
fn section_length(bytes: &[u8]) -> Option<usize> {
    let mut content = 0_usize;
    for (number, byte) in bytes.iter().skip(1).take(5).enumerate() {
        content |= usize::from(byte & 0x7f) << (7 * number);
        if byte & 0x80 == 0 {
            return (2 + number).checked_add(content).filter(|length| *length <= bytes.len());
        }
    }
    None
}

impl Damage {
    /// The file with this damage; `others` are whole ones.
    fn to(&self, file: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        if file.is_empty() {
            return Vec::new();
        }
        let mut parts = sections(file);
        match self {
            Self::Change(at, byte) => changed(file, at.index(file.len()), *byte),
            Self::Truncate(at) => file[..at.index(file.len())].to_vec(),
            Self::Cut(at, length) => {
                let begin = at.index(file.len());
                [&file[..begin], &file[file.len().min(begin + length)..]].concat()
            }
            Self::Double(at, length) => {
                let begin = at.index(file.len());
                [&file[..file.len().min(begin + length)], &file[begin..]].concat()
            }
            Self::Insert(at, bytes) => {
                let (before, after) = file.split_at(at.index(file.len()));
                [before, bytes.as_slice(), after].concat()
            }
            Self::Swap(one, other) => {
                let length = parts.len();
                parts.swap(one.index(length), other.index(length));
                parts.concat()
            }
            Self::Drop(at) => {
                parts.remove(at.index(parts.len()));
                parts.concat()
            }
            Self::Splice(at, whose, which) => {
                let other = sections(&others[whose.index(others.len())]);
                parts.insert(at.index(parts.len()), other[which.index(other.len())]);
                parts.concat()
            }
            Self::ChangeSection(which, at, byte) => {
                let which = which.index(parts.len());
                let before: usize = parts[..which].iter().map(|part| part.len()).sum();
                changed(file, before + at.index(parts[which].len()), *byte)
            }
        }
    }
}

fn changed(file: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at] ^= byte.max(1);
    file
}

/// Tries `check` with whole files that were damaged once to three times.
fn with_damage(whole: &[Vec<u8>], cases: u32, check: impl Fn(Vec<u8>) -> Result<(), TestCaseError>) {
    let more = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: more.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let strategy = (any::<Index>(), prop::collection::vec(damage(), 1..4));
    runner
        .run(&strategy, |(which, damages)| {
            let file = which.get(whole).clone();
            check(damages.iter().fold(file, |file, damage| damage.to(&file, whole)))
        })
        .unwrap();
}

/// Whether a text says what to do.
fn advises(text: &str) -> bool {
    [
        "uild it",
        "uilt with wit-bindgen",
        "make it smaller",
        "eave out",
        "leave it out",
        "the slot grants",
        "upload the component",
        "wasm-tools",
        "wit/README.md",
    ]
    .iter()
    .any(|advice| text.contains(advice))
}

#[test]
fn a_damaged_upload_is_taken_or_refused_with_advice() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = private_directory();
    let library = Library::open(engine(), directory.path(), child_with(LIMITS)).unwrap();
    let all = builtin::components().iter().chain(builtin::test_guests());
    let whole: Vec<_> = all.map(|builtin| builtin.bytes.to_vec()).collect();
    let (clock, outcomes) = (clock(), RefCell::new(BTreeMap::<&str, u32>::new()));
    with_damage(&whole, 500, |file| {
        let begin = clock.monotonic();
        let added = runtime.block_on(library.add("damaged", file, NOW));
        let took = clock.monotonic().since(begin);
        prop_assert!(took < BOUND, "it took {took:?}");
        let outcome = match &added {
            Ok(info) => {
                runtime.block_on(library.remove(info.sha256)).unwrap();
                "taken"
            }
            Err(LibraryError::Refused(_)) => "refused",
            Err(LibraryError::Compile(CompileError::Invalid(_))) => "not compiled",
            Err(LibraryError::Compile(
                CompileError::TooLong(_) | CompileError::TooMuchMemory(_) | CompileError::TooLarge(_),
            )) => "stopped",
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        *outcomes.borrow_mut().entry(outcome).or_default() += 1;
        if let Err(refused) = added {
            prop_assert!(advises(&refused.to_string()), "it does not say what to do: {refused}");
        }
        Ok(())
    });
    let outcomes = outcomes.into_inner();
    println!("{outcomes:?}");
    for outcome in ["taken", "refused", "not compiled"] {
        assert!(outcomes.contains_key(outcome), "no file was {outcome}: {outcomes:?}");
    }
    let left: Vec<PathBuf> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| path.ends_with("cache.key")), "{left:?}");
}

/// What cargo leaves behind becomes a component before it is uploaded.
#[test]
fn a_damaged_module_becomes_a_component_or_is_refused_with_advice() {
    let (whole, child) = ([module_of_a_policy()], child_with(LIMITS));
    assert!(sandbox::to_component(&child, &whole[0]).is_ok());
    let outcomes = RefCell::new([0_u32; 2]);
    with_damage(&whole, 500, |file| {
        let component = sandbox::to_component(&child, &file);
        outcomes.borrow_mut()[usize::from(component.is_ok())] += 1;
        match component {
            Ok(_) => {}
            Err(LibraryError::Refused(refused)) => {
                prop_assert!(advises(&refused.to_string()), "it does not say what to do: {refused}");
            }
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        Ok(())
    });
    let [refused, made] = outcomes.into_inner();
    println!("{made} became components, {refused} did not");
    assert!(refused > 0 && made > 0);
}

/// Some of these make the encoder panic: that ends the child, and is a reason like others.
#[test]
fn a_module_that_is_cut_short_is_refused_or_a_shorter_module() {
    let (whole, child) = (module_of_a_policy(), child_with(LIMITS));
    for length in (8..whole.len()).step_by(7) {
        let component = sandbox::to_component(&child, &whole[..length]);
        let is_expected = component.is_ok() || matches!(component, Err(LibraryError::Refused(_)));
        assert!(is_expected, "{length}: {component:?}");
    }
}

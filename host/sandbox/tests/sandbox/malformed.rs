//! Answers no compiler would write: a module made by hand for every function of the WIT package, so that one added there is tried too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sandbox::{Failure, Slot};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, WorldId, WorldItem};

use crate::mischief::ask;
use crate::setup::Bench;

/// Where results lie in [`MEMORY`], or are said to lie.
const PLACES: [(&str, i32); 4] = [
    ("beyond the memory", -16),
    ("not aligned", 4097),
    // Cases, pointers and lengths of 0xff bytes.
    ("no such case", 1024),
    // Every number is 1: the second case, and a text of the one byte at 1, which is no UTF-8.
    ("no text", 4096),
];

/// What a result lies in: nothing where [`PLACES`] do not point.
const NOTHING: i32 = 8192;

/// The memory behind [`PLACES`].
fn memory() -> String {
    let (odd, ones) = ("\\ff".repeat(1024), "\\01\\00\\00\\00".repeat(256));
    format!(
        "(memory (export \"memory\") 1) (data (i32.const 1) \"\\ff\")
         (data (i32.const 1024) \"{odd}\") (data (i32.const 4096) \"{ones}\")"
    )
}

/// The WIT package.
fn package() -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    resolve
}

fn world(resolve: &Resolve, name: &str) -> WorldId {
    resolve.worlds.iter().find(|(_, world)| world.name == name).unwrap().0
}

/// The functions a world exports, by the names a module gives them.
fn functions(resolve: &Resolve, world: WorldId) -> BTreeMap<String, Function> {
    let mut functions = BTreeMap::new();
    for item in resolve.worlds[world].exports.values() {
        let WorldItem::Interface { id, .. } = item else { continue };
        let interface = resolve.id_of(*id).unwrap();
        for (name, function) in &resolve.interfaces[*id].functions {
            functions.insert(format!("{interface}#{name}"), function.clone());
        }
    }
    functions
}

fn words(types: &[WasmType]) -> String {
    let word = |of: &WasmType| match of {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    };
    types.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Gives the mail back that a function is lent: the first handle of a fresh instance is 1.
const GIVE_BACK: &str = "(call $drop (i32.const 1))";

/// A component of a world whose one function does `first` and returns `value`; the others trap.
fn returning(resolve: &Resolve, world: WorldId, returns: &str, first: &str, value: i32) -> Vec<u8> {
    let module = module(resolve, world, returns, first, value);
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A core module as a compiler leaves it behind, which says for which world it is.
pub fn module_of_a_policy() -> Vec<u8> {
    let resolve = package();
    module(&resolve, world(&resolve, "policy"), "accept-friend", "", 0)
}

fn module(resolve: &Resolve, world: WorldId, returns: &str, first: &str, value: i32) -> Vec<u8> {
    let import = match first {
        "" => "",
        _ => "(import \"toxmail:gateway/message@0.1.0\" \"[resource-drop]message\" (func $drop (param i32)))",
    };
    let mut text = format!(
        "(module {import} {} (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 16384))",
        memory()
    );
    for (name, function) in functions(resolve, world) {
        let signature = resolve.wasm_signature(AbiVariant::GuestExport, &function);
        let body = if function.name == returns {
            format!("{first} (i32.const {value})")
        } else {
            "unreachable".into()
        };
        let params = words(&signature.params);
        let result = if signature.results.is_empty() {
            String::new()
        } else {
            format!("(result {})", words(&signature.results))
        };
        let _ = write!(text, "(func (export \"{name}\") (param {params}) {result} {body})");
    }
    text.push(')');
    let mut module = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).unwrap();
    module
}

/// Puts a component to work without asking it the conformance cases, which it would fail.
async fn put(bench: &Bench, slot: Slot, name: &str, component: Vec<u8>) {
    let added = bench.library.add_builtin(name, component.leak()).await.unwrap();
    let mut config = bench.sandbox.config();
    config.entries.iter_mut().find(|entry| entry.slot == slot).unwrap().component = added.sha256;
    bench.sandbox.configure(config).await.unwrap();
}

async fn failure(bench: &Bench, function: &str) -> Failure {
    let failure = ask(bench, function).await.unwrap_err().failure;
    let record = bench.records(1).await.remove(0);
    assert_eq!((record.function.as_str(), record.outcome), (function, Err(failure.clone())));
    bench.world.records.lock().unwrap().clear();
    failure
}

#[tokio::test]
async fn a_malformed_answer_of_any_function_is_a_failure() {
    let (bench, resolve) = (Bench::new().await, package());
    let mut tried = 0;
    for (slot, name) in [
        (Slot::Policy, "policy"),
        (Slot::Resolver, "resolver"),
        (Slot::RelaySelector, "relay-selector"),
        (Slot::MailFilter, "learning-mail-filter"),
    ] {
        let world = world(&resolve, name);
        for function in functions(&resolve, world).into_values() {
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, &function);
            let places = match (signature.results.is_empty(), signature.retptr) {
                // It returns nothing.
                (true, _) => continue,
                (_, true) => PLACES.to_vec(),
                // A case by its number.
                (_, false) => vec![("no such case", 255), ("a negative case", -1)],
            };
            for (what, value) in places {
                let first = if slot == Slot::MailFilter { GIVE_BACK } else { "" };
                let component = returning(&resolve, world, &function.name, first, value);
                put(&bench, slot, &format!("{}-{tried}", function.name), component).await;
                let failure = failure(&bench, &function.name).await;
                let why = failure.to_string();
                assert!(matches!(failure, Failure::Unreadable(_)), "{} {what}: {failure:?}", function.name);
                assert!(!why.contains("borrow"), "{} {what}: {why}", function.name);
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 6 * PLACES.len() + 2, "another function: give it a question in `ask`");
}

#[tokio::test]
async fn a_filter_may_not_keep_the_mail() {
    let (bench, resolve) = (Bench::new().await, package());
    // A result of zeros accepts the mail, but the handle of the mail was not given back.
    let component = returning(&resolve, world(&resolve, "mail-filter"), "filter", "", NOTHING);
    put(&bench, Slot::MailFilter, "keeping", component).await;
    let failure = failure(&bench, "filter").await;
    assert!(failure.is_components_fault(), "{failure:?}");
    assert!(failure.to_string().contains("borrow"), "{failure}");
}

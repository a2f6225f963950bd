//! The WIT package may grow only as wit/README.md says: `wit/published/` has each published version, and never changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wit_component::{OutputToString, WitPrinter};
use wit_parser::{Docs, PackageId, Resolve, Type, TypeDefKind};

/// Each published version, and the SHA-256 of its canonical text. A version is added here when it is published; no line changes.
const PUBLISHED: [(&str, &str); 1] =
    [("0.1.0", "ba13d33359eded699603078798583bdb8b229677f75e93499551e9c31f32b727")];

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// Without documentation and comments, and formatted as the tool does.
fn canonical(resolve: &Resolve, package: PackageId) -> String {
    let mut printer = WitPrinter::new(OutputToString::default());
    printer.emit_docs(false);
    printer.print(resolve, package, &[]).unwrap();
    printer.output.to_string()
}

fn of_directory(path: &Path) -> String {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(path).unwrap();
    canonical(&resolve, package)
}

fn of_text(text: &str) -> String {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("changed.wit", text).unwrap();
    canonical(&resolve, package)
}

/// The version of a canonical text, and its interfaces and worlds by name.
fn parts(text: &str) -> (String, BTreeMap<String, String>) {
    let version = text.lines().find_map(|line| line.strip_prefix("package toxmail:gateway@"));
    let version = version.unwrap().trim_end_matches(';').to_owned();
    let mut parts = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let opens = ["interface ", "world "].iter().any(|kind| line.starts_with(kind));
        if opens {
            current = line.trim_end_matches('{').trim().to_owned();
        }
        let part: &mut String = parts.entry(current.clone()).or_default();
        part.push_str(line);
        part.push('\n');
        if line == "}" || (opens && line.ends_with('}')) {
            current = String::new();
        }
    }
    parts.remove("");
    (version, parts)
}

/// Why components built before `new` would not fit it, though it has the same version; none if they do.
fn incompatible(published: &str, new: &str) -> Option<String> {
    let ((old_version, old), (new_version, new)) = (parts(published), parts(new));
    if old_version != new_version {
        return None;
    }
    old.iter().find_map(|(name, text)| match new.get(name) {
        Some(same) if same == text => None,
        Some(_) => Some(format!("{name} changed")),
        None => Some(format!("{name} is gone")),
    })
}

/// What has no documentation, by name.
fn undocumented(resolve: &Resolve, package: PackageId) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |name: String, docs: &Docs| {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            found.push(name);
        }
    };
    look("the package".into(), &resolve.packages[package].docs);
    for (_, world) in resolve.worlds.iter().filter(|(_, world)| world.package == Some(package)) {
        look(world.name.clone(), &world.docs);
    }
    for (_, interface) in
        resolve.interfaces.iter().filter(|(_, interface)| interface.package == Some(package))
    {
        let place = interface.name.clone().unwrap();
        look(place.clone(), &interface.docs);
        for (name, function) in &interface.functions {
            look(format!("{place}.{name}"), &function.docs);
        }
        for (name, id) in &interface.types {
            let kind = &resolve.types[*id];
            // What another interface documents.
            if matches!(kind.kind, TypeDefKind::Type(Type::Id(_))) {
                continue;
            }
            look(format!("{place}.{name}"), &kind.docs);
            let mut part = |part: &str, docs: &Docs| look(format!("{place}.{name}.{part}"), docs);
            match &kind.kind {
                TypeDefKind::Record(record) => {
                    record.fields.iter().for_each(|field| part(&field.name, &field.docs))
                }
                TypeDefKind::Variant(variant) => {
                    variant.cases.iter().for_each(|case| part(&case.name, &case.docs))
                }
                TypeDefKind::Enum(cases) => cases.cases.iter().for_each(|case| part(&case.name, &case.docs)),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn every_type_function_and_case_is_documented() {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit()).unwrap();
    assert_eq!(undocumented(&resolve, package), Vec::<String>::new());
    let bare = "package a:b; interface c { record d { e: u8 } f: func(); }";
    let mut resolve = Resolve::default();
    let package = resolve.push_str("bare.wit", bare).unwrap();
    assert_eq!(undocumented(&resolve, package), ["the package", "c", "c.f", "c.d", "c.d.e"]);
}

#[test]
fn published_versions_never_change() {
    for (version, digest) in PUBLISHED {
        let text = of_directory(&wit().join("published").join(version));
        assert_eq!(parts(&text).0, version);
        assert_eq!(hex::encode(Sha256::digest(&text)), digest, "wit/published/{version} was changed");
    }
}

#[test]
fn the_package_fits_components_of_before_or_has_another_version() {
    let now = of_directory(&wit());
    for (version, _) in PUBLISHED {
        let published = of_directory(&wit().join("published").join(version));
        if let Some(why) = incompatible(&published, &now) {
            panic!("{why}: move the version of wit/ beyond {version}, or undo the change (wit/README.md)");
        }
    }
    let versions = PUBLISHED.map(|(version, _)| version);
    let current = parts(&now).0;
    assert!(
        versions.contains(&current.as_str()),
        "publish {current}: copy wit/*.wit to wit/published/{current}"
    );
}

#[test]
fn what_would_break_components_is_noticed_and_what_does_not_is_allowed() {
    let published = of_directory(&wit().join("published/0.1.0"));
    let changed = |from: &str, to: &str| {
        assert!(published.contains(from), "{from}");
        incompatible(&published, &of_text(&published.replacen(from, to, 1)))
    };
    // A field, a case, a type, a function, an import, an interface.
    assert!(changed("queued: u64,", "queued: u64,\n    waiting: u64,").is_some());
    assert!(changed("queued: u64,", "queued: u32,").is_some());
    assert!(changed("ask-user,", "ask-user,\n    ask-owner,").is_some());
    assert!(changed("interface log {", "interface log {\n  type line = string;").is_some());
    assert!(changed("interface log {", "interface log {\n  flush: func();").is_some());
    assert!(changed("world policy {", "world policy {\n  import dns;").is_some());
    assert_eq!(changed("world policy {", "interface more {\n  f: func();\n}\n\nworld policy {"), None);
    assert_eq!(changed("world policy {", "world other {\n  import log;\n}\n\nworld policy {"), None);
    assert_eq!(changed("interface log {", "/// Documentation.\ninterface log {"), None);
    let moved = published.replacen("gateway@0.1.0", "gateway@0.2.0", 1).replacen("queued: u64,", "", 1);
    assert_eq!(incompatible(&published, &of_text(&moved)), None, "another version may be another");
}

//! Policy sets: a TOML file that says which component fills which slot, in which order filters run, with which settings and limits.
//!
//! ```toml
//! [[entry]]
//! slot = "policy"
//! component = "quiet-hours"      # a name or SHA-256 of `toxmail component list`, or
//! settings = { quiet-from = "23:00" }
//!
//! [[entry]]
//! slot = "mail-filter"           # filters run in the order of the file
//! name = "tags"                  # its state is kept under this name; the slot's where not said
//! file = "sender-tags.wasm"      # a file beside the policy set; it is added
//! signature = "sender-tags.sig"  # where `[components] require_signature` asks for one
//! limits = { call-ms = 2000 }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cli::signature::SignatureError;
use mail::Wall;
use sandbox::{EntryConfig, Library, LibraryError, Limits, Slot, SlotsConfig};
use serde::Deserialize;
use toml::Spanned;

use crate::limits::POLICY_SET_BYTES;
use crate::text_file::NoText;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    entry: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    slot: Slot,
    name: Option<String>,
    component: Option<Spanned<String>>,
    file: Option<Spanned<String>>,
    signature: Option<Spanned<String>>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    limits: Limits,
}

/// A policy set cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the policy set {}: {why}", path.display())]
pub struct PolicySetError {
    path: PathBuf,
    // It is rare, and far larger than what the functions here return otherwise.
    why: Box<InvalidSet>,
}

/// What is wrong with a policy set.
#[derive(Debug, thiserror::Error)]
enum InvalidSet {
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
    #[error("it is larger than 1 MiB")]
    TooLarge,
    #[error(transparent)]
    NoText(#[from] NoText),
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("line {line}: {why}")]
    Entry { line: usize, why: InvalidEntry },
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
enum InvalidEntry {
    #[error("an entry has `component` or `file`, one of them")]
    ComponentOrFile,
    #[error("`signature` belongs to `file`")]
    SignatureAlone,
    #[error("slot {0} is filled twice; only filters form a chain")]
    FilledTwice(Slot),
    #[error("two entries of slot {0} have one name: add `name`")]
    OneName(Slot),
    #[error("this component is not for slot {0}")]
    OtherSlot(Slot),
    #[error(transparent)]
    Component(#[from] LibraryError),
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: LibraryError },
    #[error("{}: {why}", path.display())]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Reads a policy set and finds its components; files it names are added to the library.
///
/// # Errors
/// [`PolicySetError`] with the line that is wrong.
pub async fn load(path: &Path, library: &Library, now: Wall) -> Result<SlotsConfig, PolicySetError> {
    let read = read_set(path, library, now).await;
    read.map_err(|why| PolicySetError { path: path.to_owned(), why: Box::new(why) })
}

async fn read_set(path: &Path, library: &Library, now: Wall) -> Result<SlotsConfig, InvalidSet> {
    if std::fs::metadata(path)?.len() > POLICY_SET_BYTES {
        return Err(InvalidSet::TooLarge);
    }
    let text = crate::text_file::decode(std::fs::read(path)?)?;
    let mut config = SlotsConfig::default();
    for entry in parse(&text)? {
        let wrong = |at, why| InvalidSet::Entry { line: line(&text, at), why };
        let (component, at) =
            component(&entry, path, library, now).await.map_err(|(at, why)| wrong(at, why))?;
        let info = library.info(component);
        if info.is_some_and(|info| !info.slots.contains(&entry.slot)) {
            return Err(wrong(at, InvalidEntry::OtherSlot(entry.slot)));
        }
        config.entries.push(EntryConfig {
            slot: entry.slot,
            entry: entry.name.unwrap_or_else(|| entry.slot.name().to_owned()),
            component,
            last_good: None,
            settings: entry.settings.into_iter().collect(),
            limits: entry.limits,
            keeps_settings: false,
            past: sandbox::Past::default(),
        });
    }
    Ok(config)
}

/// The component of an entry, and where the set names it; the same place with an error.
async fn component(
    entry: &Entry,
    set: &Path,
    library: &Library,
    now: Wall,
) -> Result<(mail::ComponentDigest, usize), (usize, InvalidEntry)> {
    match (&entry.component, &entry.file) {
        (Some(named), _) => {
            let at = named.span().start;
            let info = library.find(named.get_ref()).map_err(|error| (at, error.into()))?;
            Ok((info.sha256, at))
        }
        (None, Some(file)) => {
            let at = file.span().start;
            let path = set.with_file_name(file.get_ref());
            let failed = |why| (at, InvalidEntry::File { path: path.clone(), why });
            let bytes =
                read(&path).map_err(|why| (at, InvalidEntry::Unreadable { path: path.clone(), why }))?;
            let component = library.component_of(bytes).await.map_err(failed)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let signature = match &entry.signature {
                Some(file) => Some(signature(file, set)?),
                None => None,
            };
            let added = library.add_signed(&name, component, signature, now).await;
            Ok((added.map_err(failed)?.sha256, at))
        }
        (None, None) => Err((0, InvalidEntry::ComponentOrFile)),
    }
}

/// A component's file. Of one that is too large a byte more than a component may have, which is refused for that.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(sandbox::COMPONENT_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The signature of a component's file.
fn signature(file: &Spanned<String>, set: &Path) -> Result<[u8; 64], (usize, InvalidEntry)> {
    let at = file.span().start;
    cli::signature::read(&set.with_file_name(file.get_ref())).map_err(|error| (at, error.into()))
}

/// The entries of a text, checked as far as that goes without components.
fn parse(text: &str) -> Result<Vec<Entry>, InvalidSet> {
    let file: File = toml::from_str(text)?;
    let mut names = BTreeSet::new();
    let mut filled = BTreeSet::new();
    let mut entries = Vec::new();
    for entry in file.entry {
        let wrong = |at, why| Err(InvalidSet::Entry { line: line(text, at), why });
        let at = entry.span().start;
        let entry = entry.into_inner();
        if entry.component.is_some() == entry.file.is_some() {
            return wrong(at, InvalidEntry::ComponentOrFile);
        }
        if let (Some(signature), None) = (&entry.signature, &entry.file) {
            return wrong(signature.span().start, InvalidEntry::SignatureAlone);
        }
        if entry.slot != Slot::MailFilter && !filled.insert(entry.slot) {
            return wrong(at, InvalidEntry::FilledTwice(entry.slot));
        }
        let name = entry.name.clone().unwrap_or_else(|| entry.slot.name().to_owned());
        if !names.insert((entry.slot, name)) {
            return wrong(at, InvalidEntry::OneName(entry.slot));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The line of a place in a text, from 1.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        parse(text).err().unwrap().to_string()
    }

    #[test]
    fn filters_keep_their_order_and_have_settings_and_limits() {
        let text = "[[entry]]\nslot = 'mail-filter'\nname = 'b'\ncomponent = 'x'\nsettings = { 'a@b' = 'c' }\n\
                    [[entry]]\nslot = 'mail-filter'\nname = 'a'\nfile = 'y.wasm'\nlimits = { call-ms = 5 }\n";
        let entries = parse(text).unwrap();
        assert_eq!(entries[0].name.as_deref(), Some("b"));
        assert_eq!(entries[0].settings["a@b"], "c");
        assert_eq!(entries[1].limits.call_ms, 5);
    }

    #[test]
    fn the_example_is_right() {
        let entries = parse(include_str!("../../../policies/family.toml")).unwrap();
        let filters = entries.iter().filter(|entry| entry.slot == Slot::MailFilter);
        let names: Vec<_> = filters.filter_map(|entry| entry.name.as_deref()).collect();
        assert_eq!((entries.len(), names), (4, vec!["tags", "spam"]));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        assert!(wrong("[[entry]]\nslot = 'polcy'\ncomponent = 'x'").contains("line 2"));
        assert!(wrong("[[entry]]\nslot = 'policy'\n").contains("line 1"));
        let twice =
            "[[entry]]\nslot = 'policy'\ncomponent = 'x'\n[[entry]]\nslot = 'policy'\ncomponent = 'y'\n";
        assert!(wrong(twice).contains("line 4: slot policy is filled twice"));
        let named = "[[entry]]\nslot = 'mail-filter'\ncomponent = 'x'\n[[entry]]\nslot = 'mail-filter'\ncomponent = 'y'\n";
        assert!(wrong(named).contains("line 4"));
        assert!(
            wrong("[[entry]]\nslot = 'policy'\ncomponent = 'x'\nlimits = { calls = 3 }").contains("line 4")
        );
    }
}

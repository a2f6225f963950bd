//! `component new`: writes a project that builds, tests and installs as it is.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use api::dto::{ComponentName, Slot};

use super::args::Language;
use super::error::ClientError;

/// The WIT package, as this program was built with it.
const WIT: [(&str, &str); 6] = [
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("capabilities.wit", include_str!("../../../wit/capabilities.wit")),
    ("policy.wit", include_str!("../../../wit/policy.wit")),
    ("resolver.wit", include_str!("../../../wit/resolver.wit")),
    ("relay-selector.wit", include_str!("../../../wit/relay-selector.wit")),
    ("mail-filter.wit", include_str!("../../../wit/mail-filter.wit")),
];

/// What a project consists of beside the WIT package: path in the project, and text.
struct Template {
    language: &'static str,
    tools: &'static str,
    source: &'static str,
    ignored: &'static str,
    files: Vec<(&'static str, &'static str)>,
}

fn template(language: Language, slot: Slot) -> Template {
    /// One text of a language for each slot.
    macro_rules! by_slot {
        ($slot:expr, $directory:literal, $extension:literal) => {
            match $slot {
                Slot::Policy => include_str!(concat!("templates/", $directory, "/policy.", $extension)),
                Slot::Resolver => include_str!(concat!("templates/", $directory, "/resolver.", $extension)),
                Slot::RelaySelector => {
                    include_str!(concat!("templates/", $directory, "/relay-selector.", $extension))
                }
                Slot::MailFilter => {
                    include_str!(concat!("templates/", $directory, "/mail-filter.", $extension))
                }
            }
        };
    }
    let case = ("cases/first.toml", by_slot!(slot, "cases", "toml"));
    let readme = ("README.md", include_str!("templates/README.md"));
    match language {
        Language::Rust => Template {
            language: "Rust",
            tools: "Needs Rust with the target wasm32-unknown-unknown (`rustup target add wasm32-unknown-unknown`; on Debian \
                    without rustup: `apt-get install rustc-web cargo-web rust-web-src lld-22`). The gateway makes the component of \
                    what cargo leaves behind: no other tool is needed.",
            source: "src/lib.rs",
            ignored: "/target\n/*.wasm\n",
            files: vec![
                ("Cargo.toml", include_str!("templates/rust/Cargo.toml")),
                ("src/lib.rs", by_slot!(slot, "rust", "rs")),
                ("build.sh", include_str!("templates/rust/build.sh")),
                case,
                readme,
            ],
        },
        Language::Js => javascript(slot, by_slot!(slot, "js", "js"), case, readme),
        Language::Python => Template {
            language: "Python",
            tools: "Needs Python 3.10 or newer with venv; the first build installs componentize-py into `.venv`. The component brings \
                    CPython along (18 MB): compiling it takes about half a minute.",
            source: "component.py",
            ignored: "/.venv\n/__pycache__\n/*.wasm\n",
            files: vec![
                ("requirements.txt", include_str!("templates/python/requirements.txt")),
                ("component.py", by_slot!(slot, "python", "py")),
                ("build.sh", include_str!("templates/python/build.sh")),
                case,
                readme,
            ],
        },
    }
}

/// A filter is lent its mail, which the small engine, QuickJS, does not give back: it is built with SpiderMonkey.
fn javascript(
    slot: Slot,
    source: &'static str,
    case: (&'static str, &'static str),
    readme: (&'static str, &'static str),
) -> Template {
    let (tools, package) = if slot == Slot::MailFilter {
        (
            "Needs Node 18 or newer with npm; the first build installs componentize-js, which puts the SpiderMonkey engine \
             around the program (12 MB): building it, and compiling it when it is tested or added, takes about half a minute each.",
            include_str!("templates/js/package-mail-filter.json"),
        )
    } else {
        (
            "Needs Node 18 or newer with npm; the first build installs componentize-qjs, which puts the QuickJS engine around \
             the program (1.6 MB).",
            include_str!("templates/js/package.json"),
        )
    };
    let mut files = vec![
        ("package.json", package),
        ("component.js", source),
        ("build.sh", include_str!("templates/js/build.sh")),
        case,
        readme,
    ];
    if slot == Slot::MailFilter {
        files.push(("build.mjs", include_str!("templates/js/build.mjs")));
    }
    Template {
        language: "JavaScript",
        tools,
        source: "component.js",
        ignored: "/node_modules\n/*.wasm\n",
        files,
    }
}

/// Writes a project into a new directory. Returns what to print.
///
/// # Errors
/// If the directory is there already, its name cannot be a component's, or it cannot be written.
pub fn write(language: Language, slot: Slot, directory: &Path) -> Result<String, ClientError> {
    let stem = directory.file_name().unwrap_or_default().to_string_lossy();
    let is_package =
        stem.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic()) && !stem.contains('.');
    let name: ComponentName = stem.parse().ok().filter(|_| is_package).ok_or_else(|| {
        ClientError::Input(format!(
            "`{stem}` cannot be a component's name: begin the directory's name with a letter, and use letters, digits, \
             dashes or underscores"
        ))
    })?;
    let failed = |error: io::Error| {
        let advice = if error.kind() == io::ErrorKind::AlreadyExists {
            "the directory is there already: name a new one".to_owned()
        } else {
            error.to_string()
        };
        ClientError::Input(format!("{}: {advice}", directory.display()))
    };
    let template = template(language, slot);
    let fill = |text: &str| {
        text.replace("NAME", name.as_str())
            .replace("SLOT", slot.as_str())
            .replace("WORLD", slot.as_str())
            .replace("LANGUAGE", template.language)
            .replace("TOOLS", template.tools)
            .replace("SOURCE", template.source)
    };
    fs::create_dir(directory).map_err(failed)?;
    for (path, text) in WIT {
        write_file(&directory.join("wit").join(path), text).map_err(failed)?;
    }
    write_file(&directory.join(".gitignore"), template.ignored).map_err(failed)?;
    for (path, text) in &template.files {
        write_file(&directory.join(path), &fill(text)).map_err(failed)?;
    }
    let shown = directory.display();
    Ok(format!(
        "{shown} is ready: {} decides. Build it and test its cases with\n\n    {shown}/build.sh\n\n\
         and make it live with `{shown}/build.sh install`.\n",
        template.source
    ))
}

/// A script can be run.
fn write_file(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_of_each_kind_is_complete() {
        let parent = tempfile::tempdir().unwrap();
        for (language, source) in [
            (Language::Rust, "src/lib.rs"),
            (Language::Js, "component.js"),
            (Language::Python, "component.py"),
        ] {
            for slot in Slot::ALL {
                let directory = parent.path().join(format!("my-{slot}-{source}").replace(['/', '.'], "-"));
                write(language, slot, &directory).unwrap();
                let read = |path: &str| fs::read_to_string(directory.join(path)).unwrap();
                assert!(read("wit/types.wit").contains("package toxmail:gateway@0.1.0"));
                assert!(!read("build.sh").contains("NAME") && !read("README.md").contains("TOOLS"));
                assert!(!read(source).is_empty());
                assert!(!read("cases/first.toml").is_empty());
            }
        }
    }

    #[test]
    fn nothing_is_overwritten_and_names_are_checked() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("mine");
        write(Language::Js, Slot::Policy, &directory).unwrap();
        assert!(write(Language::Js, Slot::Policy, &directory).unwrap_err().to_string().contains("already"));
        assert!(write(Language::Js, Slot::Policy, &parent.path().join("1st")).is_err());
    }
}

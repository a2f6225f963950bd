//! Compiles the workspace in components/ to WebAssembly components and writes `components.rs`, which embeds them.
//!
//! Two ways lead there: the running toolchain's own `wasm32-unknown-unknown` target, or Debian's compiler, which
//! brings the sources of the standard library and builds that too. Without either, the build stops and names the
//! command that helps.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TARGET: &str = "wasm32-unknown-unknown";

/// The default components: slot (also the package's name), and name.
const DEFAULTS: [(&str, &str); 4] = [
    ("policy", "default-policy"),
    ("resolver", "default-resolver"),
    ("relay-selector", "default-relay-selector"),
    ("mail-filter", "default-mail-filter"),
];

/// Guests that misbehave on purpose: slot, and package.
const TEST_GUESTS: [(&str, &str); 4] = [
    ("policy", "evil-policy"),
    ("resolver", "evil-resolver"),
    ("relay-selector", "evil-relay-selector"),
    ("mail-filter", "evil-mail-filter"),
];

/// Variables for cargo that a nested cargo shall see too: where it keeps and gets crates.
const KEPT: [&str; 5] = ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_SOURCE_", "CARGO_REGISTRIES_"];

fn main() {
    if let Err(error) = run() {
        println!("cargo::error={error}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = host.join("../..").canonicalize()?;
    let sources = root.join("components");
    rerun_if_changed(&sources, &root.join("wit"));

    let out = PathBuf::from(env::var("OUT_DIR")?);
    let target_dir = shared_target_dir(&out);
    let modules = compile(&sources, &target_dir)?;

    let mut code = String::new();
    embed(&mut code, "COMPONENTS", &modules, &out, &DEFAULTS.map(|(slot, name)| (slot, slot, name)))?;
    let guests: &[_] = if test_guests() { &TEST_GUESTS.map(|(slot, name)| (slot, name, name)) } else { &[] };
    embed(&mut code, "TEST_GUESTS", &modules, &out, guests)?;
    fs::write(out.join("components.rs"), code)?;
    Ok(())
}

fn test_guests() -> bool {
    env::var_os("CARGO_FEATURE_TEST_GUESTS").is_some()
}

/// Everything in components/ but its target directory, which changes with every build.
fn rerun_if_changed(sources: &Path, wit: &Path) {
    for path in [sources.join("Cargo.toml"), sources.join("Cargo.lock"), wit.to_owned()] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for member in ["policy", "resolver", "relay-selector", "mail-filter", "test-guests"] {
        println!("cargo::rerun-if-changed={}", sources.join(member).display());
    }
}

/// A directory inside cargo's own target directory (which it marks with a `CACHEDIR.TAG`), shared by `check`, `doc` and the
/// profiles, so that the components are compiled once.
fn shared_target_dir(out: &Path) -> PathBuf {
    let target = out.ancestors().find(|directory| directory.join("CACHEDIR.TAG").exists());
    target.unwrap_or(out).join("components")
}

/// Compiles the packages and returns the directory with their core modules.
fn compile(sources: &Path, target_dir: &Path) -> Result<PathBuf> {
    let mut cargo = cargo()?;
    for (package, _) in DEFAULTS {
        cargo.args(["--package", package]);
    }
    if test_guests() {
        for (_, package) in TEST_GUESTS {
            cargo.args(["--package", package]);
        }
    }
    cargo.args(["--release", "--locked", "--target", TARGET, "--target-dir"]).arg(target_dir);
    let output = cargo.current_dir(sources).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Err("compiling components/ to WebAssembly failed; the compiler's words stand above".into());
    }
    Ok(target_dir.join(TARGET).join("release"))
}

/// Whether a variable was meant for the outer cargo and compiler, and would mislead the nested ones.
fn is_foreign(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    let ours =
        ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC", "RUSTUP_TOOLCHAIN", "MAKEFLAGS", "MFLAGS", "CLIPPY"];
    ours.iter().any(|prefix| name.starts_with(prefix)) && !KEPT.iter().any(|kept| name.starts_with(kept))
}

/// `cargo build` of a toolchain that can compile to WebAssembly.
fn cargo() -> Result<Command> {
    let rustc = PathBuf::from(env::var("RUSTC")?);
    if let Some(library) = print(&rustc, &["target-libdir", "--target", TARGET])
        && Path::new(&library).is_dir()
    {
        return Ok(installed(&rustc, &env::var("CARGO")?));
    }
    if let Some(command) = debian(&rustc) {
        return Ok(command);
    }
    Err("Rust cannot compile to WebAssembly here: run `rustup target add wasm32-unknown-unknown`, or on Debian \
         `apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src lld-22`, and build again."
        .into())
}

/// The running toolchain has the target.
fn installed(rustc: &Path, cargo: &str) -> Command {
    let mut command = Command::new(cargo);
    command.arg("build");
    clear_then(&mut command, &[("RUSTC", rustc.as_os_str().to_owned())]);
    command
}

/// Debian's compiler and the sources of its standard library, with a linker for WebAssembly from anywhere.
fn debian(rustc: &Path) -> Option<Command> {
    let (debian_rustc, debian_cargo) = (Path::new("/usr/bin/rustc"), Path::new("/usr/bin/cargo"));
    let sysroot = print(debian_rustc, &["sysroot"])?;
    if !debian_cargo.exists() || !Path::new(&sysroot).join("lib/rustlib/src/rust/library").is_dir() {
        return None;
    }
    let linker = linker(&[print(rustc, &["sysroot"])?, sysroot])?;
    let mut command = Command::new(debian_cargo);
    command.args(["build", "-Zbuild-std=std,panic_abort"]);
    let variables = [
        ("RUSTC", debian_rustc.into()),
        ("RUSTC_BOOTSTRAP", "1".into()),
        ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.into()),
    ];
    clear_then(&mut command, &variables);
    Some(command)
}

/// The linker that came with one of the toolchains, else one of the system.
fn linker(sysroots: &[String]) -> Option<PathBuf> {
    let host = env::var("HOST").ok()?;
    let of_toolchain = sysroots
        .iter()
        .map(|sysroot| Path::new(sysroot).join("lib/rustlib").join(&host).join("bin/rust-lld"));
    let of_system = ["/usr/bin/wasm-ld-22", "/usr/bin/wasm-ld", "/usr/bin/lld"].map(PathBuf::from);
    of_toolchain.chain(of_system).find(|path| path.exists())
}

fn print(rustc: &Path, what: &[&str]) -> Option<String> {
    let output = Command::new(rustc).arg("--print").args(what).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Takes what was meant for the outer cargo out of the environment, and adds `variables`.
fn clear_then(command: &mut Command, variables: &[(&str, OsString)]) {
    for (name, _) in env::vars_os().filter(|(name, _)| is_foreign(name)) {
        command.env_remove(name);
    }
    for (name, value) in variables {
        command.env(name, value);
    }
}

/// Makes components of core modules, and writes a Rust array that embeds them.
fn embed(
    code: &mut String,
    array: &str,
    modules: &Path,
    out: &Path,
    packages: &[(&str, &str, &str)],
) -> Result<()> {
    let visibility = if array == "COMPONENTS" { "" } else { "#[cfg(feature = \"test-guests\")]\n" };
    writeln!(code, "{visibility}static {array}: [Builtin; {}] = [", packages.len())?;
    for (slot, package, name) in packages {
        let module = fs::read(modules.join(format!("{}.wasm", package.replace('-', "_"))))?;
        let component =
            wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode()?;
        let file = out.join(format!("{name}.wasm"));
        fs::write(&file, component)?;
        writeln!(
            code,
            "    Builtin {{ slot: {slot:?}, name: {name:?}, bytes: include_bytes!({:?}) }},",
            file.to_str().ok_or("the build directory's path is not UTF-8")?
        )?;
    }
    writeln!(code, "];")?;
    Ok(())
}

//! Finds c-toxcore and links it. A missing library is one sentence, never a linker error.

use std::path::Path;
use std::process::Command;

/// What the user does about a missing library.
const MISSING: &str = "the Tox library (c-toxcore 0.2.18 or a later 0.2) is not installed: run \
                       `apt-get install -y libtoxcore-dev pkg-config`, then build again";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PKG_CONFIG_PATH");
    match pkg_config() {
        Some(true) => println!("cargo::rustc-link-lib=toxcore"),
        None if in_a_usual_place() => println!("cargo::rustc-link-lib=toxcore"),
        Some(false) | None => println!("cargo::error={MISSING}"),
    }
}

/// Asks pkg-config, and passes on where the library is. `None` where there is no pkg-config.
fn pkg_config() -> Option<bool> {
    let output = Command::new("pkg-config")
        .args(["--libs-only-L", "toxcore >= 0.2.18", "toxcore < 0.3"])
        .output()
        .ok()?;
    for flag in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        if let Some(directory) = flag.strip_prefix("-L") {
            println!("cargo::rustc-link-search=native={directory}");
        }
    }
    Some(output.status.success())
}

/// Without pkg-config: the directories the linker looks into by itself.
fn in_a_usual_place() -> bool {
    ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"]
        .iter()
        .any(|directory| Path::new(directory).join("libtoxcore.so").exists())
}

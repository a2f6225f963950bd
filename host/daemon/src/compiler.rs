//! The child process that compiles components: this program again, with a hidden verb.

use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;

use sandbox::{CompileLimits, CompileMode};

/// The hidden verb.
const VERB: &str = "compile-component";

/// Where components are compiled.
///
/// # Errors
/// If the system does not tell which program this is.
pub fn compiler() -> io::Result<CompileMode> {
    let exe = std::env::current_exe()?;
    Ok(CompileMode::Child { exe, args: vec![VERB.into()], limits: CompileLimits::default() })
}

/// What the child does, if this process is one.
pub fn run_as_child() -> Option<ExitCode> {
    let is_child = std::env::args_os().nth(1).as_deref() == Some(OsStr::new(VERB));
    is_child.then(sandbox::compile_child_main)
}

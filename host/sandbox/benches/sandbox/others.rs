//! Components of files, of other languages for instance, in slot `policy`; and what a live component takes of memory.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use mail::{AccountName, Wall};
use sandbox::{Library, Limits, Sandbox, Slot};

use crate::{Durations, entry, now, submission};

/// Calls of an interpreter: some milliseconds each.
const CALLS: u32 = 300;

/// Compile, cached load, and fresh calls of a policy in a file.
pub async fn measure(
    sandbox: &Sandbox,
    library: &Library,
    durations: &Durations,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = std::fs::read(file)?;
    let size = bytes.len();
    let begin = now();
    let component = library.add(&name, bytes, Wall(0)).await?.sha256;
    println!(
        "compile, in process   {:>14.2?}  {name} ({size} bytes, with conformance cases)",
        begin.elapsed()
    );
    let begin = now();
    sandbox.use_component(Slot::Policy, None, component).await?;
    println!("cached load and live  {:>14.2?}  {name}", begin.elapsed());
    let account: AccountName = "anna".parse()?;
    durations.mean();
    for _ in 0..CALLS {
        sandbox.allow_submission(&account, Wall(0), submission()).await?;
    }
    println!("policy, fresh             {:>10.2?}  {name}", durations.mean());
    Ok(())
}

/// Puts as many filters to work as a chain takes, each another file, and looks at the memory of this process.
pub async fn memory(sandbox: &Sandbox, library: &Arc<Library>) -> Result<(), Box<dyn Error>> {
    const FILTERS: u64 = 15;
    let builtin = builtin::components().iter().find(|builtin| builtin.slot == "mail-filter");
    let bytes = builtin.map(|builtin| builtin.bytes).unwrap_or_default();
    let mut components = Vec::new();
    for number in 0..FILTERS {
        // A custom section makes it another file.
        let other = [bytes, &[0, 2, 1, b'a' + u8::try_from(number)?]].concat();
        components.push(library.add(&format!("filter-{number}"), other, Wall(0)).await?.sha256);
    }
    let before = resident()?;
    for (number, component) in components.into_iter().enumerate() {
        let name = format!("filter-{number}");
        sandbox.add_filter(entry(Slot::MailFilter, &name, component, Limits::default())).await?;
    }
    let bytes = resident()?.saturating_sub(before) / FILTERS;
    println!("memory, live              {:>7} KiB  default-mail-filter, each of {FILTERS}", bytes / 1024);
    Ok(())
}

/// Bytes of this process in memory.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

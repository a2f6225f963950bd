//! What a gateway holds in memory and on disk, and how long it takes to start.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use crate::{Gateway, wait};

const MIB: u64 = 1024 * 1024;

/// What it may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Resident memory at its highest, over that before, in MiB.
    pub memory_growth: u64,
    /// The data directory, over that before, in MiB.
    pub disk_growth: u64,
    /// From the start of the program until it is ready.
    pub start: Duration,
}

/// Measures one gateway from now on.
pub struct Watch {
    label: &'static str,
    bounds: Bounds,
    memory: u64,
    disk: u64,
}

impl Watch {
    /// Notes what there is now.
    #[must_use]
    pub fn new(label: &'static str, gateway: &Gateway, bounds: Bounds) -> Self {
        let (memory, disk) = (gateway.resident() / MIB, disk(&gateway.path(".")) / MIB);
        println!("{label}: before: memory {memory} MiB, disk {disk} MiB");
        Self { label, bounds, memory, disk }
    }

    /// Prints what there is, and compares it with the bounds.
    ///
    /// # Panics
    /// Beyond one.
    pub fn check(&self, moment: &str, gateway: &Gateway) {
        let (peak, now) = (gateway.peak_resident() / MIB, gateway.resident() / MIB);
        let disk = disk(&gateway.path(".")) / MIB;
        println!("{}: {moment}: memory {now} MiB, at most {peak} MiB, disk {disk} MiB", self.label);
        let Bounds { memory_growth, disk_growth, .. } = self.bounds;
        assert!(peak <= self.memory + memory_growth, "memory grew from {} to {peak} MiB", self.memory);
        assert!(disk <= self.disk + disk_growth, "the disk grew from {} to {disk} MiB", self.disk);
    }

    /// Kills it and starts it again; prints how long that took.
    ///
    /// # Panics
    /// If it takes longer than its bound, or more memory.
    pub fn restart(&self, gateway: &mut Gateway) {
        gateway.kill();
        let took = wait::time(|| gateway.restart());
        println!("{}: ready after {} ms", self.label, took.as_millis());
        assert!(took <= self.bounds.start, "it took {took:?} to start");
        self.check("after the start", gateway);
    }
}

/// Bytes that a directory takes up.
fn disk(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            // What is renamed or removed meanwhile is not there.
            let metadata = entry.metadata().ok()?;
            Some(if metadata.is_dir() { disk(&entry.path()) } else { metadata.blocks() * 512 })
        })
        .sum()
}

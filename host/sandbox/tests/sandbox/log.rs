//! Under which names components write into the gateway's log.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static NAMES: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// The names so far, from the first call of this on; of all tests of the process.
pub fn kept() -> &'static Mutex<BTreeSet<String>> {
    // Whoever comes second finds it set.
    let _ = tracing::subscriber::set_global_default(Names);
    &NAMES
}

struct Names;

impl Subscriber for Names {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "component"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Entry);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Takes the field `entry` of a line.
struct Entry;

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "entry" {
            NAMES.lock().unwrap().insert(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

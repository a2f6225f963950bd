//! The engine underneath: one for each stack limit, because that is what it knows its limit by. Compiled forms fit them all.

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine};

use crate::engine::bindings::host::toxmail::gateway as wit;
use crate::engine::guest::Guest;
use crate::engine::wasi;
use crate::library::cache;
use crate::slot::Slot;

/// An engine, and the imports of each slot for it.
pub(crate) struct Wasm {
    engine: Engine,
    linkers: [Linker<Guest>; 4],
}

impl Wasm {
    /// Starts the engine.
    pub(crate) fn new(config: &Config) -> wasmtime::Result<Self> {
        let engine = Engine::new(config)?;
        let linkers = [
            link(&engine, Slot::Policy)?,
            link(&engine, Slot::Resolver)?,
            link(&engine, Slot::RelaySelector)?,
            link(&engine, Slot::MailFilter)?,
        ];
        Ok(Self { engine, linkers })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The slot's imports, and inert WASI where the component wants it.
    pub(crate) fn linker(&self, slot: Slot, component: &Component) -> wasmtime::Result<Linker<Guest>> {
        let [policy, resolver, relay_selector, mail_filter] = &self.linkers;
        let mut linker = match slot {
            Slot::Policy => policy,
            Slot::Resolver => resolver,
            Slot::RelaySelector => relay_selector,
            Slot::MailFilter => mail_filter,
        }
        .clone();
        wasi::link(&self.engine, &mut linker, component)?;
        Ok(linker)
    }

    /// A component of this engine or of one with another stack limit, for this one.
    pub(crate) fn adopt(&self, component: Component) -> wasmtime::Result<Component> {
        if Engine::same(component.engine(), &self.engine) {
            return Ok(component);
        }
        cache::load_again(&self.engine, &component)
    }
}

/// Exactly the imports of the slot's world.
fn link(engine: &Engine, slot: Slot) -> wasmtime::Result<Linker<Guest>> {
    type Own = HasSelf<Guest>;
    let mut linker = Linker::new(engine);
    for import in slot.imports() {
        match *import {
            "types" => wit::types::add_to_linker::<Guest, Own>(&mut linker, |guest| guest)?,
            "log" => wit::log::add_to_linker::<Guest, Own>(&mut linker, |guest| guest)?,
            "state" => wit::state::add_to_linker::<Guest, Own>(&mut linker, |guest| guest)?,
            "dns" => wit::dns::add_to_linker::<Guest, Own>(&mut linker, |guest| guest)?,
            "contacts" => wit::contacts::add_to_linker::<Guest, Own>(&mut linker, |guest| guest)?,
            "message" => wit::message::add_to_linker::<Guest, Own>(&mut linker, |guest| guest)?,
            other => return Err(wasmtime::Error::msg(format!("no capability is called {other}"))),
        }
    }
    Ok(linker)
}

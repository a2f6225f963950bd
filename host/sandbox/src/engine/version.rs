//! A component made ready for its slot: imports linked, exports found, types checked.

use mail::ComponentDigest;
use wasmtime::component::Component;

use crate::engine::bindings::learning_mail_filter::LearningMailFilterPre;
use crate::engine::bindings::mail_filter::MailFilterPre;
use crate::engine::bindings::policy::PolicyPre;
use crate::engine::bindings::relay_selector::RelaySelectorPre;
use crate::engine::bindings::resolver::ResolverPre;
use crate::engine::guest::Guest;
use crate::engine::wasm::Wasm;
use crate::slot::Slot;

/// A version of a component, ready to be called in one slot.
pub struct Version {
    /// The digest of its bytes.
    pub digest: ComponentDigest,
    /// Its name in the library.
    pub name: String,
    /// Bytes of the compiled form.
    pub compiled_bytes: u64,
    /// The component, ready to be called.
    pub prepared: Prepared,
}

/// Bytes a compiled component takes.
pub(crate) fn compiled_bytes(component: &Component) -> u64 {
    let range = component.image_range();
    (range.end.addr() - range.start.addr()) as u64
}

/// The typed form for each slot. Instances are made from it without looking anything up.
pub enum Prepared {
    /// Slot `policy`.
    Policy(PolicyPre<Guest>),
    /// Slot `resolver`.
    Resolver(ResolverPre<Guest>),
    /// Slot `relay-selector`.
    RelaySelector(RelaySelectorPre<Guest>),
    /// Slot `mail-filter`; the second if it also hears what the user decides.
    MailFilter(Box<(MailFilterPre<Guest>, Option<LearningMailFilterPre<Guest>>)>),
}

impl Prepared {
    /// Links a component for a slot.
    ///
    /// # Errors
    /// The engine's words where an import or export does not have the slot's types.
    pub fn new(wasm: &Wasm, slot: Slot, component: &Component) -> wasmtime::Result<Self> {
        let linker = wasm.linker(slot, component)?;
        let pre = linker.instantiate_pre(component)?;
        Ok(match slot {
            Slot::Policy => Self::Policy(PolicyPre::new(pre)?),
            Slot::Resolver => Self::Resolver(ResolverPre::new(pre)?),
            Slot::RelaySelector => Self::RelaySelector(RelaySelectorPre::new(pre)?),
            Slot::MailFilter => {
                let feedback = "toxmail:gateway/mail-filter-feedback@0.1.0";
                let learning = match component.get_export_index(None, feedback) {
                    Some(_) => Some(LearningMailFilterPre::new(pre.clone())?),
                    None => None,
                };
                Self::MailFilter(Box::new((MailFilterPre::new(pre)?, learning)))
            }
        })
    }

    /// The engine it is prepared for.
    pub fn engine(&self) -> &wasmtime::Engine {
        match self {
            Self::Policy(pre) => pre.engine(),
            Self::Resolver(pre) => pre.engine(),
            Self::RelaySelector(pre) => pre.engine(),
            Self::MailFilter(pre) => pre.0.engine(),
        }
    }

    /// For questions to slot `policy`; each of these fails if the host mixed up slots.
    pub fn policy(&self) -> wasmtime::Result<&PolicyPre<Guest>> {
        if let Self::Policy(pre) = self { Ok(pre) } else { Err(wrong_slot()) }
    }

    /// For questions to slot `resolver`.
    pub fn resolver(&self) -> wasmtime::Result<&ResolverPre<Guest>> {
        if let Self::Resolver(pre) = self { Ok(pre) } else { Err(wrong_slot()) }
    }

    /// For questions to slot `relay-selector`.
    pub fn relay_selector(&self) -> wasmtime::Result<&RelaySelectorPre<Guest>> {
        if let Self::RelaySelector(pre) = self { Ok(pre) } else { Err(wrong_slot()) }
    }

    /// For questions to slot `mail-filter`.
    pub fn mail_filter(&self) -> wasmtime::Result<&MailFilterPre<Guest>> {
        if let Self::MailFilter(pre) = self { Ok(&pre.0) } else { Err(wrong_slot()) }
    }

    /// For feedback to slot `mail-filter`; none if the component does not learn.
    pub fn learning_mail_filter(&self) -> wasmtime::Result<Option<&LearningMailFilterPre<Guest>>> {
        if let Self::MailFilter(pre) = self { Ok(pre.1.as_ref()) } else { Err(wrong_slot()) }
    }
}

fn wrong_slot() -> wasmtime::Error {
    wasmtime::Error::msg("the component is prepared for another slot")
}

//! Drop relays by a script.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use mail::record::OutboxEntry;
use mail::{AccountName, MailId};

use crate::lock::lock;
use crate::ports::{Copies, DropRelays};

/// What relays say, and what they were told.
#[derive(Default)]
pub(crate) struct ScriptedRelays {
    pub copies: Mutex<Copies>,
    pub reach: AtomicBool,
    pub left: Mutex<Vec<MailId>>,
    pub ended: Mutex<Vec<MailId>>,
}

#[async_trait]
impl DropRelays for ScriptedRelays {
    async fn leave_copies(&self, entry: &OutboxEntry) -> Copies {
        lock(&self.left).push(entry.id);
        lock(&self.copies).clone()
    }

    fn copies(&self, _id: MailId) -> Copies {
        lock(&self.copies).clone()
    }

    fn reaches_strangers(&self) -> bool {
        self.reach.load(Ordering::Relaxed)
    }

    fn ended(&self, id: MailId) {
        lock(&self.ended).push(id);
    }

    fn contacts_changed(&self, _account: &AccountName) {}
}

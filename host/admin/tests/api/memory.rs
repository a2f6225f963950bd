//! A gateway in memory.

use clock::ManualClock;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admin::dto::*;
use admin::management::{
    Accounts, Candidate, Components, DropRelays, Mails, Management, ManagementError, People, Result, Trials,
    Tuning, Upkeep,
};
use admin::metrics::{Kind, Metric};
use admin::{Login, LoginAnswer};
use async_trait::async_trait;
use bytes::Bytes;
use mail::{AccountName, Address, ComponentDigest, LoggedIn, MailId, PublicKey, Standing, ToxId, Wall};

pub const OWNER_ID: &str = "56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5";
/// What somebody might write to run a script in a page.
pub const HOSTILE: &str = "\"'><script src=/x></script><img src=x onerror=alert(1)>&amp;</textarea>{{ 7*7 }}";
pub const STRANGER: &str = "0202020202020202020202020202020202020202020202020202020202020202";

/// A clock that a test sets forward.
pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Wall(1_700_000_000_000)))
}

/// What was asked, and the answers of a small gateway with the accounts `anna` (the owner) and `bob`.
#[derive(Default)]
pub struct Memory {
    pub asked: Mutex<Vec<String>>,
    pub uploads: Mutex<Vec<usize>>,
    pub passwords: Arc<Passwords>,
    /// Whether removing an account never comes to its end.
    pub removes_for_ever: AtomicBool,
}

/// Bytes of every mail in a mailbox: more than are read at a time.
pub const MAIL_SIZE: u64 = 200_000;

fn time() -> Timestamp {
    Timestamp(Wall(1_700_000_000_000))
}

fn not_found(what: &str) -> ManagementError {
    ManagementError::NotFound(format!("there is no {what}; look at the list"))
}

pub fn mail_id(number: u8) -> MailId {
    MailId([number; 16])
}

impl Memory {
    fn say(&self, line: String) {
        self.asked.lock().unwrap().push(line);
    }

    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn known(account: &AccountName) -> Result<()> {
        if matches!(account.as_str(), "anna" | "bob") {
            Ok(())
        } else {
            Err(ManagementError::NotFound(format!(
                "there is no account `{account}`; see `toxmail account list`"
            )))
        }
    }
}

fn id() -> ToxId {
    OWNER_ID.parse().unwrap()
}

fn contact(alias: &AccountName) -> Contact {
    Contact {
        alias: alias.clone(),
        address: format!("{alias}@tox"),
        key: id().key,
        tox_id: Some(id()),
        addresses: vec!["c@example.org".parse().unwrap()],
        state: ContactState::Confirmed,
        online: true,
        since: time(),
        relays: Vec::new(),
    }
}

fn outbox_entry(number: u8) -> OutboxEntry {
    OutboxEntry {
        id: mail_id(number),
        sender: Some("anna@tox".parse().unwrap()),
        recipient: "carol@tox".parse().unwrap(),
        key: Some(id().key),
        account: None,
        size: 1000,
        created: time(),
        expires: time(),
        attempts: 2,
        next_attempt: Some(time()),
        last_problem: Some(mail::Refusal::transient(4, 1, "offline")),
        delay_reported: false,
        copies: Some(Copies {
            complete: 1,
            enough: 2,
            handed_over: None,
            until: Some(time()),
            answer_until: Some(time()),
            reposts: 1,
            note: Some(format!("one is full {HOSTILE}")),
            relays: vec![RelayCopies {
                key: STRANGER.parse().unwrap(),
                receipts: 3,
                cells: 4,
                until: Some(time()),
                problem: Some(format!("it did not answer {HOSTILE}")),
            }],
        }),
    }
}

fn quarantined() -> QuarantineEntry {
    QuarantineEntry {
        id: mail_id(9),
        mail: Some(mail_id(8)),
        direction: Direction::Incoming,
        sender: None,
        recipient: "anna@tox".parse().unwrap(),
        key: Some(id().key),
        size: 10,
        received: time(),
        reason: format!("looks odd {HOSTILE}"),
        delete_at: Some(time()),
    }
}

fn outcome() -> Outcome {
    Outcome {
        id: mail_id(3),
        sender: Some("anna@tox".parse().unwrap()),
        recipient: "carol@tox".parse().unwrap(),
        size: 1000,
        created: time(),
        ended: time(),
        attempts: 1,
        outcome: OutcomeKind::Bounced,
        reason: Some(format!("unknown {HOSTILE}")),
    }
}

fn arrival(number: u8) -> Arrival {
    Arrival {
        id: mail_id(number),
        mail: None,
        number: u64::from(number),
        sender: Some("carol@tox".parse().unwrap()),
        recipient: "anna@tox".parse().unwrap(),
        key: Some(id().key),
        size: 10,
        received: time(),
    }
}

fn pin() -> Pin {
    Pin {
        address: "d@example.org".parse().unwrap(),
        key: Some(STRANGER.parse().unwrap()),
        first_seen: Some(time()),
        changed_to: Some(id()),
        leads_to: Some(id().key),
    }
}

fn relay() -> Relay {
    Relay {
        address: OWNER_ID.to_owned(),
        key: STRANGER.parse().unwrap(),
        chosen_by_user: true,
        invited: true,
        receipts: 48,
        failures: 1,
        last_failure: Some(time()),
        last_problem: Some(format!("it was full {HOSTILE}")),
        fill: Some(40),
        address_hidden: Hiding::Relays,
        tokens: TokenSupply {
            own: 200,
            own_resting: 32,
            own_gone: 24,
            from_contacts: 8,
            from_contacts_gone: 1,
            with_contacts: 16,
        },
        serving: Some(Board {
            online: true,
            cells: 10,
            bytes: 162_400,
            capacity_bytes: 1 << 31,
            today: 3,
            day_cells: 4096,
            sessions: 2,
            invitations: 1,
        }),
    }
}

fn slot_entry(slot: Slot) -> SlotEntry {
    SlotEntry {
        slot,
        position: 0,
        entry: slot.to_string(),
        name: "default".parse().unwrap(),
        sha256: ComponentDigest([1; 32]),
        health: Health::Ok,
        calls: 3,
        failures: 1,
        last_failure: Some("ran too long".to_owned()),
        timing: vec![TimingBucket { up_to: Some(50), calls: 2 }, TimingBucket { up_to: None, calls: 1 }],
        previous: (slot == Slot::Policy).then_some(ComponentDigest([2; 32])),
        not_asked: 2,
        gateway_failures: 0,
        fallback: (slot == Slot::Policy).then(|| admin::dto::Fallback {
            name: "mine".to_owned(),
            sha256: ComponentDigest([4; 32]),
            why: "it trapped".to_owned(),
            time: Some(time()),
        }),
    }
}

fn shadow(slot: Slot) -> Shadow {
    let answer = |answer: &str| Answer { answer: Some(answer.into()), failure: None };
    Shadow {
        slot,
        entry: slot.to_string(),
        name: "candidate".parse().unwrap(),
        sha256: ComponentDigest([3; 32]),
        since: time(),
        stopped: None,
        health: Health::Ok,
        calls: 10,
        failures: 0,
        same: 8,
        different: 1,
        dropped: 2,
        not_compared: 1,
        not_compared_why: Some("the mail is gone".to_owned()),
        differences: vec![Difference {
            id: 1,
            time: time(),
            function: "allow-submission".to_owned(),
            account: "anna".parse().unwrap(),
            facts: HOSTILE.into(),
            live: answer("allow"),
            other: Answer { answer: None, failure: Some(HOSTILE.to_owned()) },
        }],
    }
}

#[async_trait]
impl Trials for Memory {
    async fn shadow(&self, slot: Slot) -> Result<Shadow> {
        match slot {
            Slot::Policy => Ok(shadow(slot)),
            _ => Err(not_found("shadow in this slot")),
        }
    }

    async fn begin_shadow(&self, slot: Slot, wanted: BeginShadow) -> Result<Shadow> {
        self.say(format!("begins shadow {} in {slot}", wanted.component));
        Ok(shadow(slot))
    }

    async fn end_shadow(&self, slot: Slot) -> Result<Shadow> {
        self.say(format!("ends shadow of {slot}"));
        self.shadow(slot).await
    }

    async fn replay(&self, candidate: Candidate, query: ReplayQuery) -> Result<Replay> {
        let candidate = match candidate {
            Candidate::Known(component) => component.to_string(),
            Candidate::File(bytes) => format!("{} bytes", bytes.len()),
        };
        self.say(format!("replays {candidate} over {} days of {}", query.days, query.slot));
        Ok(Replay {
            slot: query.slot,
            entry: query.entry.unwrap_or_else(|| query.slot.to_string()),
            sha256: ComponentDigest([3; 32]),
            decisions: 4,
            same: 2,
            different: 1,
            differences: shadow(query.slot).differences,
            not_replayed: vec![NotReplayed { why: "the mail is no longer stored".to_owned(), decisions: 1 }],
            incomplete: false,
            microseconds: 1000,
        })
    }
}

fn tuned(slot: Slot) -> Tuned {
    Tuned {
        slot,
        entry: slot.to_string(),
        settings: [("quiet-from".to_owned(), format!("22:00 {HOSTILE}"))].into(),
        limits: vec![Limit {
            name: "call-ms".to_owned(),
            about: "milliseconds one call may run".to_owned(),
            value: 1000,
            default: 1000,
            least: 1,
            most: 60_000,
        }],
        policy_set: None,
    }
}

#[async_trait]
impl Tuning for Memory {
    async fn tuned(&self, slot: Slot, entry: Option<String>) -> Result<Tuned> {
        match entry.as_deref() {
            None => Ok(tuned(slot)),
            Some(entry) if entry == slot.to_string() => Ok(tuned(slot)),
            Some(_) => Err(not_found("such entry")),
        }
    }

    async fn tune(&self, slot: Slot, _entry: Option<String>, tune: Tune) -> Result<Tuned> {
        if tune.settings.contains_key("refused") {
            return Err(ManagementError::Unprocessable("refused: it means nothing".to_owned()));
        }
        self.say(format!("tunes {slot}: {}", serde_json::to_string(&tune).unwrap()));
        Ok(tuned(slot))
    }

    async fn test_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        case: Option<String>,
    ) -> Result<Tested> {
        self.say(format!("tests {component} in {slot} with {}", case.as_deref().unwrap_or("conformance")));
        if case.as_deref().is_some_and(|case| !case.contains("[[call]]")) {
            return Err(ManagementError::Unprocessable("line 1: no [[call]]".to_owned()));
        }
        let call = |failure: Option<&str>| TestedCall {
            function: "next-attempt".to_owned(),
            answer: failure.is_none().then(|| serde_json::json!({ "after": 60 })),
            failure: failure.map(str::to_owned),
            unexpected: failure.map(|_| format!("an answer was expected {HOSTILE}")),
            microseconds: 20,
            memory_bytes: 65536,
            log: vec![format!("a line {HOSTILE}")],
        };
        Ok(Tested {
            case: format!("about this {HOSTILE}"),
            as_expected: false,
            not_asked: 1,
            calls: vec![call(None), call(Some("it trapped"))],
        })
    }
}

#[async_trait]
impl Accounts for Memory {
    async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(vec![Account {
            name: "anna".parse().unwrap(),
            owner: true,
            tox_id: Some(id()),
            addresses: vec!["anna@tox".parse().unwrap()],
            created: time(),
            enabled: true,
        }])
    }

    async fn add_account(&self, new: NewAccount) -> Result<Credentials> {
        let chosen = new.password.as_ref().map(|password| password.reveal().to_owned());
        self.say(format!("adds account {} {chosen:?}", new.name));
        let password = if chosen.is_some() { None } else { Password::new("generated!".to_owned()).ok() };
        Ok(Credentials { account: new.name, tox_id: None, password })
    }

    async fn set_password(&self, account: &AccountName, password: Option<Password>) -> Result<Credentials> {
        Self::known(account)?;
        self.passwords.end(account);
        self.add_account(NewAccount { name: account.clone(), password }).await
    }

    async fn import_profile(
        &self,
        name: AccountName,
        profile: zeroize::Zeroizing<Vec<u8>>,
        password: Option<zeroize::Zeroizing<String>>,
    ) -> Result<ImportedAccount> {
        let password = password.map_or_else(String::new, |password| format!(", with {}", *password));
        self.say(format!("imports {name} from {} bytes{password}", profile.len()));
        let credentials = self.add_account(NewAccount { name, password: None }).await?;
        Ok(ImportedAccount { credentials, contacts: 2 })
    }

    async fn remove_account(&self, account: &AccountName) -> Result<()> {
        Self::known(account)?;
        self.passwords.end(account);
        self.say(format!("removes account {account}"));
        if self.removes_for_ever.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn set_account_enabled(&self, account: &AccountName, enabled: bool) -> Result<()> {
        Self::known(account)?;
        if !enabled {
            self.passwords.end(account);
        }
        self.say(format!("account {account} enabled: {enabled}"));
        Ok(())
    }
}

#[async_trait]
impl People for Memory {
    async fn contacts(&self, account: &AccountName, page: &Page) -> Result<Listing<Contact>> {
        Self::known(account)?;
        let contacts = ["a", "b", "c"].map(|alias| contact(&alias.parse().unwrap())).to_vec();
        Ok(page.cut(contacts, |contact| contact.alias.to_string()))
    }

    async fn add_contact(&self, account: &AccountName, new: NewContact) -> Result<Contact> {
        Self::known(account)?;
        self.say(format!("{account} adds {} {} {:?}", new.alias, new.address, new.message));
        match new.alias.as_str() {
            "taken" => {
                Err(ManagementError::Conflict("`taken` exists already: choose another name".to_owned()))
            }
            "silent" => Err(ManagementError::Unavailable("DNS does not answer: try again later".to_owned())),
            "nobody" => Err(ManagementError::Unprocessable("nobody has this address".to_owned())),
            "broken" => Err(ManagementError::Internal("the store failed".to_owned())),
            "panic" => panic!("a fault"),
            _ => Ok(contact(&new.alias)),
        }
    }

    async fn rename_contact(
        &self,
        account: &AccountName,
        alias: &AccountName,
        new: AccountName,
    ) -> Result<Contact> {
        Self::known(account)?;
        self.say(format!("{account} renames {alias} {new}"));
        if alias.as_str() == "a" { Ok(contact(&new)) } else { Err(not_found("contact of this name")) }
    }

    async fn decline_contact(&self, account: &AccountName, key: PublicKey) -> Result<()> {
        Self::known(account)?;
        self.say(format!("{account} declines {key}"));
        if key.to_string() == STRANGER { Ok(()) } else { Err(not_found("request of this key")) }
    }

    async fn remove_contact(&self, account: &AccountName, alias: &AccountName, block: bool) -> Result<()> {
        Self::known(account)?;
        self.say(format!("{account} {} {alias}", if block { "blocks" } else { "removes" }));
        if alias.as_str() == "a" { Ok(()) } else { Err(not_found("contact of this name")) }
    }

    async fn contact_requests(&self, account: &AccountName) -> Result<Vec<ContactRequest>> {
        Self::known(account)?;
        Ok(vec![ContactRequest {
            key: STRANGER.parse().unwrap(),
            message: format!("hi {HOSTILE}"),
            received: time(),
        }])
    }

    async fn accept_contact(
        &self,
        account: &AccountName,
        key: PublicKey,
        alias: Option<AccountName>,
    ) -> Result<Contact> {
        Self::known(account)?;
        self.say(format!("{account} accepts {key} {alias:?}"));
        if key.to_string() != STRANGER {
            return Err(not_found("request of this key"));
        }
        Ok(contact(&alias.unwrap_or_else(|| "picked".parse().unwrap())))
    }

    async fn changed_pins(&self, account: &AccountName) -> Result<Vec<Pin>> {
        Self::known(account)?;
        Ok(vec![pin()])
    }

    async fn told_names(&self, account: &AccountName, alias: &AccountName) -> Result<Vec<ToldName>> {
        Self::known(account)?;
        if !["a", "b", "c"].contains(&alias.as_str()) {
            return Err(not_found("contact"));
        }
        Ok(vec![
            ToldName { address: "c@example.org".parse().unwrap(), claim: Claim::Unconfirmed },
            ToldName { address: format!("{alias}@tox").parse().unwrap(), claim: Claim::Counts },
        ])
    }

    async fn confirm_name(
        &self,
        account: &AccountName,
        alias: &AccountName,
        address: &Address,
    ) -> Result<ToldName> {
        let told = self.told_names(account, alias).await?;
        self.say(format!("{account} confirms {address} of {alias}"));
        let told = told.into_iter().find(|told| told.address == *address);
        told.map(|told| ToldName { claim: Claim::Counts, ..told }).ok_or_else(|| not_found("told name"))
    }

    async fn accept_pin(&self, account: &AccountName, address: &Address) -> Result<Pin> {
        Self::known(account)?;
        self.say(format!("{account} accepts {address}"));
        if *address == pin().address { Ok(pin()) } else { Err(not_found("changed name")) }
    }
}

#[async_trait]
impl Mails for Memory {
    async fn outbox(&self, account: &AccountName, page: &Page) -> Result<Listing<OutboxEntry>> {
        Self::known(account)?;
        Ok(page.cut(vec![outbox_entry(1), outbox_entry(2)], |entry| entry.id.to_string()))
    }

    async fn outbox_entry(&self, account: &AccountName, id: MailId) -> Result<OutboxEntry> {
        Self::known(account)?;
        if id == mail_id(1) { Ok(outbox_entry(1)) } else { Err(not_found("such mail in the outbox")) }
    }

    async fn retry(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.say(format!("{account} retries {id}"));
        self.outbox_entry(account, id).await.map(|_| ())
    }

    async fn cancel(&self, account: &AccountName, id: MailId) -> Result<()> {
        self.say(format!("{account} cancels {id}"));
        self.outbox_entry(account, id).await.map(|_| ())
    }

    async fn outcomes(&self, account: &AccountName, most: usize) -> Result<Vec<Outcome>> {
        Self::known(account)?;
        Ok(vec![outcome(); most.min(2)])
    }

    async fn arrivals(&self, account: &AccountName, page: &Page) -> Result<Listing<Arrival>> {
        Self::known(account)?;
        Ok(page.cut(vec![arrival(2), arrival(1)], |entry| entry.number.to_string()))
    }

    async fn mailbox(&self, account: &AccountName, page: &Page) -> Result<Listing<MailboxMail>> {
        Self::known(account)?;
        let mails =
            (1..=3).map(|number| MailboxMail { number, id: mail_id(1), size: MAIL_SIZE, received: time() });
        Ok(page.cut(mails.collect(), |mail| mail.number.to_string()))
    }

    async fn read_mail(&self, account: &AccountName, number: u64, offset: u64, max: usize) -> Result<Bytes> {
        Self::known(account)?;
        if number != 1 {
            return Err(not_found("such mail in the mailbox"));
        }
        let left = usize::try_from(MAIL_SIZE - offset).unwrap().min(max);
        Ok(vec![b'm'; left].into())
    }

    async fn import_mail(&self, account: &AccountName, mail: Bytes) -> Result<ImportedMail> {
        Self::known(account)?;
        self.say(format!("{account} imports {} bytes", mail.len()));
        Ok(ImportedMail { is_new: !mail.starts_with(b"old") })
    }

    async fn quarantine(&self, account: &AccountName, page: &Page) -> Result<Listing<QuarantineEntry>> {
        Self::known(account)?;
        Ok(page.cut(vec![quarantined()], |entry| entry.id.to_string()))
    }

    async fn release(&self, account: &AccountName, id: MailId) -> Result<()> {
        Self::known(account)?;
        self.say(format!("{account} releases {id}"));
        if id == mail_id(9) { Ok(()) } else { Err(not_found("such mail in quarantine")) }
    }

    async fn delete_quarantined(&self, account: &AccountName, id: MailId) -> Result<()> {
        Self::known(account)?;
        self.say(format!("{account} deletes {id}"));
        if id == mail_id(9) { Ok(()) } else { Err(not_found("such mail in quarantine")) }
    }

    async fn mark(&self, account: &AccountName, id: MailId, mark: Mark) -> Result<()> {
        self.say(format!("{account} says {mark:?} of {id}"));
        Ok(())
    }
}

#[async_trait]
impl DropRelays for Memory {
    async fn relays(&self) -> Result<Vec<Relay>> {
        Ok(vec![relay()])
    }

    async fn add_relay(&self, new: NewRelay) -> Result<Relay> {
        self.say(format!("uses relay {}", new.address));
        match new.address.as_str() {
            STRANGER => Ok(relay()),
            _ => Err(ManagementError::Unprocessable("this is no address of a drop relay".to_owned())),
        }
    }

    async fn remove_relay(&self, key: PublicKey) -> Result<()> {
        self.say(format!("forgets relay {key}"));
        if key == relay().key { Ok(()) } else { Err(not_found("relay of this key")) }
    }

    async fn invite_to_relay(&self) -> Result<Invitation> {
        self.say("invites".to_owned());
        Ok(Invitation {
            address: format!("{OWNER_ID}/00112233445566778899AABBCCDDEEFF"),
            name: "0123456789abcdef".to_owned(),
        })
    }

    async fn invitations(&self) -> Result<Vec<InvitationGiven>> {
        Ok(vec![InvitationGiven { name: "0123456789abcdef".to_owned(), issued: 96 }])
    }

    async fn uninvite_from_relay(&self, name: &str) -> Result<()> {
        self.say(format!("takes invitation {name} back"));
        Ok(())
    }
}

#[async_trait]
impl Components for Memory {
    async fn components(&self) -> Result<Vec<Component>> {
        Ok(vec![Component {
            name: "default".parse().unwrap(),
            sha256: ComponentDigest([1; 32]),
            size: 13_000,
            slots: vec![Slot::Policy],
            built_in: true,
            added: None,
            signed_by: None,
        }])
    }

    async fn add_component(
        &self,
        name: ComponentName,
        bytes: Bytes,
        signature: Option<ComponentSignature>,
    ) -> Result<Component> {
        self.uploads.lock().unwrap().push(bytes.len());
        Ok(Component {
            name,
            sha256: ComponentDigest([2; 32]),
            size: bytes.len() as u64,
            slots: vec![Slot::MailFilter],
            built_in: false,
            added: Some(time()),
            signed_by: signature.map(|_| STRANGER.to_owned()),
        })
    }

    async fn remove_component(&self, component: ComponentRef) -> Result<()> {
        self.say(format!("removes component {component}"));
        Ok(())
    }

    async fn component_state(&self) -> Result<Vec<ComponentState>> {
        Ok(vec![ComponentState {
            space: "mail-filter/my tags/spam".to_owned(),
            account: "anna".parse().unwrap(),
            bytes: 12_345,
            live: false,
        }])
    }

    async fn clear_component_state(&self, space: String, account: &AccountName) -> Result<()> {
        self.say(format!("clears {space} of {account}"));
        Ok(())
    }

    async fn slots(&self) -> Result<Vec<SlotEntry>> {
        Ok(Slot::ALL.map(slot_entry).to_vec())
    }

    async fn use_component(
        &self,
        slot: Slot,
        component: ComponentRef,
        entry: Option<String>,
    ) -> Result<Vec<SlotEntry>> {
        let place = entry.map_or_else(|| slot.to_string(), |entry| format!("{slot}/{entry}"));
        self.say(format!("uses {component} in {place}"));
        match component.to_string().as_str() {
            "default" => Ok(vec![slot_entry(slot)]),
            _ => Err(not_found("such component")),
        }
    }

    async fn roll_back(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>> {
        let place = entry.map_or_else(|| slot.to_string(), |entry| format!("{slot}/{entry}"));
        self.say(format!("rolls {place} back"));
        match slot {
            Slot::Policy => Ok(vec![slot_entry(slot)]),
            _ => Err(ManagementError::Conflict("nothing was live there before".to_owned())),
        }
    }

    async fn fallback_seen(&self, slot: Slot, entry: Option<String>) -> Result<Vec<SlotEntry>> {
        let place = entry.map_or_else(|| slot.to_string(), |entry| format!("{slot}/{entry}"));
        self.say(format!("has seen what happened in {place}"));
        Ok(vec![slot_entry(slot)])
    }

    async fn order_filters(&self, entries: Vec<String>) -> Result<Vec<SlotEntry>> {
        self.say(format!("runs filters as {}", entries.join(", ")));
        Ok(vec![slot_entry(Slot::MailFilter)])
    }

    async fn remove_filter(&self, entry: String) -> Result<Vec<SlotEntry>> {
        self.say(format!("removes filter {entry}"));
        Ok(Vec::new())
    }

    async fn use_policy_set(&self, path: PathBuf) -> Result<Vec<SlotEntry>> {
        self.say(format!("uses policy set {}", path.display()));
        Err(ManagementError::Unprocessable("the policy set: line 3: no slot `polcy`".to_owned()))
    }
}

#[async_trait]
impl Upkeep for Memory {
    async fn log(&self) -> Result<Log> {
        let lines = (0..300).map(|number| format!("INFO gateway: line {number} <b>"));
        Ok(Log { lines: lines.collect() })
    }

    async fn history(&self) -> Result<History> {
        let times = Times { calls: 2, microseconds: 3000, longest: 2000 };
        let slice = Slice {
            start: Timestamp(Wall(1_700_000_000_000 - 1_700_000_000_000 % 3_600_000)),
            submitted: 3,
            delivered: 2,
            returned: 1,
            arrived: 4,
            quarantined: 1,
            delivery: times,
            components: [(Slot::Policy, times)].into(),
        };
        Ok(History { minutes: vec![slice.clone()], hours: vec![slice] })
    }

    async fn metrics(&self) -> Vec<Metric> {
        vec![Metric::single("toxmail_outbox_mails", "Mails that wait.", Kind::Gauge, 2.0)]
    }

    async fn configuration(&self) -> Result<Vec<ConfigurationKey>> {
        let key = |key: &str, value: serde_json::Value, is_default, after_restart| ConfigurationKey {
            key: key.to_owned(),
            value,
            is_default,
            after_restart,
        };
        Ok(vec![
            key("mail.max_bytes", 50_000_000.into(), true, true),
            key("mail.unfiltered", HOSTILE.into(), false, false),
        ])
    }

    async fn reload(&self) -> Result<Reloaded> {
        Ok(Reloaded { changed: vec!["mail.unfiltered".to_owned()], after_restart: Vec::new() })
    }

    async fn backup(&self) -> Result<admin::Backup> {
        let pieces = futures::stream::iter([Ok(Bytes::from_static(b"one")), Ok(Bytes::from_static(b"two"))]);
        Ok(admin::Backup { size: 6, pieces: Box::pin(pieces) })
    }
}

#[async_trait]
impl Management for Memory {
    async fn owner(&self) -> Result<AccountName> {
        Ok("anna".parse().unwrap())
    }

    async fn status(&self, account: &AccountName) -> Result<Status> {
        Self::known(account)?;
        Ok(Status {
            version: "0.1.0".to_owned(),
            account: account.clone(),
            tox: ToxStatus { online: true, connection: Connection::Udp, nodes: 1 },
            contacts: vec![ContactStatus {
                alias: "carol".parse().unwrap(),
                address: "carol@tox".to_owned(),
                online: true,
            }],
            outbox: OutboxStatus { queued: 2 },
            mailbox: MailboxStatus { mails: 1, bytes: 10 },
            attention: Attention { contact_requests: 1, quarantined: 1, discarded: 1, changed_pins: 1 },
            slots: vec![slot_entry(Slot::Policy)],
            unreadable: Unreadable {
                rows: 2,
                first: vec![UnreadableRow {
                    table: "contacts".to_owned(),
                    key: HOSTILE.to_owned(),
                    why: "it is cut short".to_owned(),
                }],
            },
            faults: vec![format!("the drop relay is off {HOSTILE}")],
            tasks: Vec::new(),
        })
    }

    async fn identity(&self, account: &AccountName) -> Result<Identity> {
        Self::known(account)?;
        Ok(Identity {
            account: account.clone(),
            tox_id: id(),
            addresses: vec![format!("{account}@tox").parse().unwrap()],
        })
    }

    async fn mail_settings(&self, account: &AccountName) -> Result<MailSettings> {
        Self::known(account)?;
        Ok(MailSettings {
            user: account.clone(),
            smtp: "127.0.0.1:2525".parse().unwrap(),
            pop3: "127.0.0.1:2626".parse().unwrap(),
            smtp_tls: false,
            pop3_tls: false,
            certificate: None,
            password_file: (account.as_str() == "anna").then(|| "/home/anna/password".to_owned()),
        })
    }

    async fn decisions(&self, query: &DecisionQuery, page: &Page) -> Result<Listing<Decision>> {
        self.say(format!(
            "decisions of {:?} for {:?} from {:?} until {:?} with {:?}{}",
            query.slot,
            query.account.as_ref().map(AccountName::as_str),
            query.from.map(Timestamp::to_text),
            query.until.map(Timestamp::to_text),
            query.text.as_ref().map(SearchText::as_str),
            query.mail.map_or_else(String::new, |mail| format!(" about {mail}")),
        ));
        let account = query.account.clone().unwrap_or_else(|| "anna".parse().unwrap());
        let decision = |id| Decision {
            id,
            time: time(),
            slot: query.slot.unwrap_or(Slot::Policy),
            account: account.clone(),
            entry: "policy".to_owned(),
            function: "next-attempt".to_owned(),
            component: ComponentDigest([1; 32]),
            facts: serde_json::json!({ "attempts": 2, "note": HOSTILE }),
            answer: Some(serde_json::json!({ "after": 60 })),
            failure: None,
            calls: Vec::new(),
            calls_dropped: 0,
            log: vec![HOSTILE.to_owned()],
            log_lines_dropped: 4900,
            words_left_out: false,
            cut: false,
            microseconds: 1234,
        };
        Ok(page.cut((1..=3).rev().map(decision).collect(), |decision| decision.id.to_string()))
    }
}

/// The passwords of `anna` and `bob`.
#[derive(Default)]
pub struct Passwords {
    pub checked: Mutex<u32>,
    /// What is said to every login instead of looking at it.
    pub later: Mutex<Option<Duration>>,
    /// Where logins came from.
    pub sources: Mutex<Vec<IpAddr>>,
    /// How often logins ended, by account.
    ended: Mutex<HashMap<AccountName, u64>>,
}

impl Passwords {
    /// Logins of an account do not hold any more.
    fn end(&self, account: &AccountName) {
        *self.ended.lock().unwrap().entry(account.clone()).or_default() += 1;
    }

    fn login(&self, account: &AccountName) -> LoggedIn {
        let generation = self.ended.lock().unwrap().get(account).copied().unwrap_or_default();
        LoggedIn { account: account.clone(), standing: Standing { id: 1, generation } }
    }
}

pub const ANNAS_PASSWORD: &str = "correct horse";
pub const BOBS_PASSWORD: &str = "battery staple";

#[async_trait]
impl Login for Passwords {
    async fn check(&self, credentials: &mail::sasl::Credentials, source: IpAddr) -> Result<LoginAnswer> {
        self.sources.lock().unwrap().push(source);
        if let Some(wait) = *self.later.lock().unwrap() {
            return Ok(LoginAnswer::Later(wait));
        }
        *self.checked.lock().unwrap() += 1;
        let login = credentials.login.as_str();
        match (login, credentials.password.as_str()) {
            ("anna", ANNAS_PASSWORD) | ("bob", BOBS_PASSWORD) => {
                Ok(LoginAnswer::LoggedIn(self.login(&login.parse().unwrap())))
            }
            ("broken", _) => Err(ManagementError::Internal("the store failed".to_owned())),
            _ => Ok(LoginAnswer::Wrong),
        }
    }

    fn is_current(&self, login: &LoggedIn) -> bool {
        self.login(&login.account) == *login
    }

    fn current(&self, account: &AccountName) -> Option<LoggedIn> {
        Some(self.login(account))
    }

    fn hint(&self, _source: IpAddr) -> String {
        "wrong name or password: look into the file password".to_owned()
    }
}

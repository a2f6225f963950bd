//! Mailbox keys of accounts: made a period ahead, each in a file of its own, erased when they have served.

use drops::mailbox::KeyRing;
use mail::AccountName;

use crate::ports::Failure;
use crate::shared::Shared;

/// Reads an account's keys.
pub(crate) async fn load(shared: &Shared, account: &AccountName) -> Result<KeyRing, Failure> {
    Ok(KeyRing::restore(shared.ports.keys.read(account).await?))
}

/// Makes the keys of this period and the next if they are missing. They are on disk before anybody
/// can learn of them.
pub(crate) async fn renew(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let now = shared.wall();
    let Some(mut ring) = shared.with(account, |state| state.ring.clone()) else { return Ok(()) };
    let fresh = shared.roll(|dice| ring.renew(now, dice));
    if fresh.is_empty() {
        return Ok(());
    }
    for (period, key) in fresh {
        shared.ports.keys.write(account, period, key).await?;
    }
    shared.with(account, |state| (state.ring, state.public) = (ring, None));
    tracing::info!(%account, "a new mailbox key was made");
    Ok(())
}

/// Erases the keys whose time is over. Call it only while the clock can be believed.
pub(crate) async fn erase(shared: &Shared, account: &AccountName) -> Result<(), Failure> {
    let now = shared.wall();
    let due = shared.with(account, |state| state.ring.due(now)).unwrap_or_default();
    for period in due {
        shared.ports.keys.erase(account, period).await?;
        shared.with(account, |state| {
            state.ring.forget(period);
            state.public = None;
        });
        tracing::info!(%account, period = period.0, "a mailbox key was erased: what was sealed to it can be read no more");
    }
    Ok(())
}

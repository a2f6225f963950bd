//! The mark of who runs the board of this gateway.

use drops::record::OwnerMark;
use rand_core::{OsRng, RngCore as _};
use store::Store;

/// The name of the document in the store.
const DOCUMENT: &str = "drop-relay-owner";

/// The mark: as configured, else the one made on the first start, else a new random one, stored before it is told to anybody.
///
/// # Errors
/// The store fails.
pub async fn mark(store: &Store, configured: Option<OwnerMark>) -> Result<OwnerMark, store::Error> {
    if let Some(mark) = configured {
        return Ok(mark);
    }
    if let Some(kept) = store.meta_get(DOCUMENT).await? {
        match <[u8; 8]>::try_from(kept.as_ref()) {
            Ok(mark) => return Ok(OwnerMark(mark)),
            Err(_) => store.set_setting_aside(DOCUMENT, kept, "it has not the length of a mark").await?,
        }
    }
    let mut mark = [0; 8];
    OsRng.fill_bytes(&mut mark);
    store.meta_put(DOCUMENT, Some(mark.to_vec().into())).await?;
    Ok(OwnerMark(mark))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mail::Clock;

    use super::*;
    use clock::SystemClock;

    #[tokio::test]
    async fn the_mark_stays_and_the_configuration_goes_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = Store::open(directory.path(), store::OpenOptions::new(clock)).unwrap();
        let made = mark(&store, None).await.unwrap();
        assert_eq!(mark(&store, None).await.unwrap(), made);
        let configured = OwnerMark([7; 8]);
        assert_eq!(mark(&store, Some(configured)).await.unwrap(), configured);
        assert_eq!(mark(&store, None).await.unwrap(), made);
    }
}

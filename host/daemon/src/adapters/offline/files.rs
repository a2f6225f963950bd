//! Documents in the store, mailbox keys in files of their own.

use async_trait::async_trait;
use drops::mailbox::Period;
use drops::point::Secret;
use mail::AccountName;
use offline::ports::{Document, Documents, Failure, KeyFiles};
use store::Store;
use store::secrets::{SecretError, Secrets};

fn failure(error: impl ToString) -> Failure {
    Failure(error.to_string())
}

/// Documents of offline mail.
pub struct StoredDocuments(pub Store);

#[async_trait]
impl Documents for StoredDocuments {
    async fn put(
        &self,
        kind: &'static str,
        owner: &str,
        key: Vec<u8>,
        document: Option<Vec<u8>>,
    ) -> Result<(), Failure> {
        self.0.document_put(kind, owner, key, document).await.map_err(failure)
    }

    async fn page(&self, kind: &'static str, owner: &str, key: &[u8]) -> Result<Vec<Document>, Failure> {
        let page = self.0.documents_from(kind, owner, key).await.map_err(failure)?;
        Ok(page.into_iter().map(|document| (document.owner, document.key, document.bytes)).collect())
    }

    fn unreadable(&self, kind: &'static str, owner: &str, key: &[u8], bytes: &[u8]) {
        let why = "it is damaged, or a newer program wrote it";
        self.0.unreadable_document(kind, owner, key, bytes, why);
    }
}

/// Mailbox keys, named by account and period.
pub struct StoredKeys {
    /// Their files.
    pub secrets: Secrets,
    /// Told of files that are set aside.
    pub store: Store,
}

fn name(account: &AccountName, period: Period) -> String {
    format!("{account}_period_{}", period.0)
}

fn period_in(name: &str, account: &AccountName) -> Option<Period> {
    let rest = name.strip_prefix(account.as_str())?.strip_prefix("_period_")?;
    rest.parse().ok().map(Period)
}

impl StoredKeys {
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Secrets) -> Result<T, SecretError> + Send + 'static,
    ) -> Result<T, Failure> {
        let secrets = self.secrets.clone();
        let done = supervisor::blocking("secret", move || work(&secrets)).await;
        done.map_err(|_| failure("the gateway is stopping"))?.map_err(failure)
    }
}

#[async_trait]
impl KeyFiles for StoredKeys {
    async fn read(&self, account: &AccountName) -> Result<Vec<(Period, Secret)>, Failure> {
        let (account, store) = (account.clone(), self.store.clone());
        self.blocking(move |secrets| {
            let mut keys = Vec::new();
            for name in secrets.names()? {
                let Some(period) = period_in(&name, &account) else { continue };
                let key = secrets.read_key(&name)?;
                keys.extend(key.map(|bytes| (period, Secret::from_bytes(*bytes))));
            }
            for (file, of) in secrets.asides()? {
                if period_in(&of, &account).is_some() {
                    store.unreadable_file("mailbox key", file, "it has another length than a key");
                }
            }
            Ok(keys)
        })
        .await
    }

    async fn write(&self, account: &AccountName, period: Period, key: Secret) -> Result<(), Failure> {
        let name = name(account, period);
        self.blocking(move |secrets| secrets.write(&name, key.as_bytes())).await
    }

    async fn erase(&self, account: &AccountName, period: Period) -> Result<(), Failure> {
        let name = name(account, period);
        self.blocking(move |secrets| secrets.erase(&name).map(drop)).await
    }

    async fn forget(&self, account: &AccountName) -> Result<(), Failure> {
        let account = account.clone();
        self.blocking(move |secrets| {
            let asides = secrets.asides()?.into_iter().map(|(_, of)| of);
            let names = secrets.names()?.into_iter().chain(asides);
            for name in names.filter(|name| period_in(name, &account).is_some()) {
                secrets.erase(&name)?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_belong_to_one_account_and_period() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(&directory.path().join("keys")).unwrap();
        let options = store::OpenOptions::new(std::sync::Arc::new(clock::SystemClock::new()));
        let store = Store::open(directory.path().join("store"), options).unwrap();
        let keys = StoredKeys { secrets, store: store.clone() };
        let (anna, annabel) = ("anna".parse().unwrap(), "anna_period_7".parse().unwrap());
        let key = |byte: u8| Secret::from_bytes([byte; 32]);
        keys.write(&anna, Period(1), key(1)).await.unwrap();
        keys.write(&anna, Period(2), key(2)).await.unwrap();
        keys.write(&annabel, Period(1), key(3)).await.unwrap();
        keys.erase(&anna, Period(1)).await.unwrap();
        let found = keys.read(&anna).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].1.as_bytes()), (Period(2), &[2; 32]));
        assert_eq!(keys.read(&annabel).await.unwrap()[0].1.as_bytes(), &[3; 32]);
        std::fs::write(directory.path().join("keys/anna_period_2"), "half").unwrap();
        assert!(keys.read(&anna).await.unwrap().is_empty());
        assert_eq!(store.unreadable().unwrap().len(), 1, "set aside, and shown");
        keys.forget(&anna).await.unwrap();
        assert!(store.unreadable().unwrap().is_empty());
        assert_eq!(keys.read(&annabel).await.unwrap().len(), 1);
    }
}

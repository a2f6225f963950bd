//! The person that `contact add` adds.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::str::FromStr;

use api::dto::{ContactAddress, InvalidContactAddress};
use mail::limits::VCARD_BYTES;
use mail::vcard::InvalidVcard;

/// An address, or a vCard that holds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactSource {
    /// A Tox ID, a link or an address in DNS.
    Address(ContactAddress),
    /// A file.
    Card(PathBuf),
}

impl FromStr for ContactSource {
    type Err = InvalidContactAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(text);
        let is_card = path.extension().is_some_and(|extension| {
            ["vcf", "vcard"].into_iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        // A domain may end like that too.
        if is_card && !text.contains('@') {
            return Ok(Self::Card(path));
        }
        text.parse().map(Self::Address)
    }
}

/// The file of a contact gives no Tox ID.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Its text is not a contact with one Tox ID.
    #[error("{}: {source}", path.display())]
    NoId {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: InvalidVcard,
    },
}

impl ContactSource {
    /// The address; reads the file if it is a vCard.
    ///
    /// # Errors
    /// [`CardError`]
    pub fn resolve(&self) -> Result<ContactAddress, CardError> {
        let path = match self {
            Self::Address(address) => return Ok(address.clone()),
            Self::Card(path) => path,
        };
        let failed = |source| CardError::Unreadable { path: path.clone(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(VCARD_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let id =
            mail::vcard::tox_id(&bytes).map_err(|source| CardError::NoId { path: path.clone(), source })?;
        Ok(ContactAddress::ToxId(id))
    }
}

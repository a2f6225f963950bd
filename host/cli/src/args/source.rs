//! The person that `contact add` adds.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::str::FromStr;

use api::dto::{ContactAddress, InvalidContactAddress};
use mail::limits::VCARD_BYTES;

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

impl ContactSource {
    /// The address; reads the file if it is a vCard.
    ///
    /// # Errors
    /// A text that says what is wrong with the file.
    pub fn resolve(&self) -> Result<ContactAddress, String> {
        let path = match self {
            Self::Address(address) => return Ok(address.clone()),
            Self::Card(path) => path,
        };
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|error| failed(&error))?;
        file.take(VCARD_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        let id = mail::vcard::tox_id(&bytes).map_err(|error| failed(&error))?;
        Ok(ContactAddress::ToxId(id))
    }
}

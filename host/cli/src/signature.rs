//! Files and texts of Ed25519 keys and signatures, as people have them: what OpenSSL writes, hex digits, base64.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The bytes before the key in the form that OpenSSL writes (SubjectPublicKeyInfo, RFC 8410 section
/// 4).
const PUBLIC_KEY_INFO: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key whose signatures count: 64 hex digits, base64 of the 32 bytes, or the line between `BEGIN PUBLIC KEY` and `END PUBLIC
/// KEY` that `openssl pkey -pubout` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrustedKey(pub [u8; 32]);

impl From<TrustedKey> for String {
    fn from(key: TrustedKey) -> Self {
        hex::encode(key.0)
    }
}

impl TryFrom<String> for TrustedKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = bytes(text.trim()).ok_or(NO_KEY)?;
        let key = bytes.strip_prefix(&PUBLIC_KEY_INFO).unwrap_or(&bytes);
        key.try_into().map(Self).map_err(|_| NO_KEY)
    }
}

const NO_KEY: &str = "a trusted key is an Ed25519 public key: 64 hex digits, or the line between BEGIN and END PUBLIC KEY that \
                      `openssl pkey -in KEY -pubout` prints";

/// Hex digits or base64.
fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().or_else(|| STANDARD.decode(text).ok())
}

/// A file gives no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// It cannot be read.
    #[error("the signature {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "the signature {}: it is not an Ed25519 signature: 64 bytes, raw, as hex digits or as base64 (`openssl pkeyutl -sign -rawin` \
         writes one)", .0.display()
    )]
    Malformed(PathBuf),
}

/// Reads a signature: 64 bytes as they are, or as hex digits or base64.
///
/// # Errors
/// [`SignatureError`]
pub fn read(path: &Path) -> Result<[u8; 64], SignatureError> {
    let failed = |source| SignatureError::Unreadable { path: path.to_owned(), source };
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(crate::limits::SIGNATURE_FILE_BYTES).read_to_end(&mut content).map_err(failed)?;
    parse(&content).ok_or_else(|| SignatureError::Malformed(path.to_owned()))
}

/// The signature in a file's content.
pub fn parse(content: &[u8]) -> Option<[u8; 64]> {
    if let Ok(signature) = content.try_into() {
        return Some(signature);
    }
    bytes(std::str::from_utf8(content).ok()?.trim())?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_each_form() {
        let hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        // The same key as `openssl pkey -pubout` prints it.
        let info = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let plain = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let key = TrustedKey::try_from(hex.to_owned()).unwrap();
        assert_eq!(TrustedKey::try_from(info.to_owned()), Ok(key));
        assert_eq!(TrustedKey::try_from(plain.to_owned()), Ok(key));
        for wrong in ["", "d75a", "not a key", "AAAA"] {
            assert!(TrustedKey::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn signatures_are_read_in_each_form() {
        let raw = [0x5a; 64];
        assert_eq!(parse(&raw), Some(raw));
        assert_eq!(parse(format!("{}\n", hex::encode(raw)).as_bytes()), Some(raw));
        assert_eq!(parse(STANDARD.encode(raw).as_bytes()), Some(raw));
        assert_eq!(parse(b"short"), None);
        assert_eq!(parse(&[0; 65]), None);
    }

    proptest::proptest! {
        /// It is kept in the configuration and told by the API.
        #[test]
        fn every_accepted_key_is_accepted_from_its_own_text(key: [u8; 32], text in "[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=|\\PC{0,80}") {
            let key = TrustedKey(key);
            proptest::prop_assert_eq!(TrustedKey::try_from(String::from(key)), Ok(key));
            if let Ok(key) = TrustedKey::try_from(text) {
                proptest::prop_assert_eq!(TrustedKey::try_from(String::from(key)), Ok(key));
            }
        }
    }
}

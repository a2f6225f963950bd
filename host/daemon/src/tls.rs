//! TLS of the listeners: the user's own certificate, or one made here and kept in the data directory.
//!
//! There TLS begins with the connection (RFC 8314 section 3), and nothing is said in plain text. On the loopback interface
//! it begins when a mail program asks for it (STARTTLS, STLS).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::tls::{PemError, certificates, provider, read};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::directory::{DataDirectory, FileError};

/// Names every certificate made here is good for: the verbs connect so.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why there is no TLS. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of the two files is named, the other is not.
    #[error(
        "tls.certificate and tls.key in the configuration go together: name both, or none to have a certificate made"
    )]
    HalfNamed,
    /// A file is of no use, or the two do not belong together.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A name no certificate can be made for.
    #[error("a certificate cannot be made: {0}; check tls.names in the configuration")]
    NotMade(#[from] rcgen::Error),
    /// The made one cannot be kept.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What TLS needs.
pub struct Tls {
    /// For listeners.
    pub config: Arc<ServerConfig>,
    /// The file with the certificate that mail programs on this machine have to trust.
    pub certificate: PathBuf,
}

impl Tls {
    /// Reads the named files, or those in the data directory, which are made if they are not there: for `names` and this machine.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn load(
        directory: &DataDirectory,
        certificate: Option<&Path>,
        key: Option<&Path>,
        names: &[String],
    ) -> Result<Self, TlsError> {
        let (certificate, key) = match (certificate, key) {
            (Some(certificate), Some(key)) => (certificate.to_owned(), key.to_owned()),
            (None, None) => own(directory, "tls", names)?,
            _ => return Err(TlsError::HalfNamed),
        };
        Self::read(certificate, key)
    }

    /// The certificate of this machine alone, which is made at the first start: for mail programs on it that insist on
    /// TLS. Whatever names others know the gateway by, these reach it as `localhost`.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn of_this_machine(directory: &DataDirectory) -> Result<Self, TlsError> {
        let (certificate, key) = own(directory, "localhost", &[])?;
        Self::read(certificate, key)
    }

    fn read(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let chain = certificates(&certificate)?;
        let key_der = PrivateKeyDer::from_pem_slice(&read(&key)?).map_err(|_| PemError::Unusable {
            path: key,
            why: "there is no private key in PEM form in it".to_owned(),
        })?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key_der));
        let config = config.map_err(|error| PemError::Refused { path: certificate.clone(), error })?;
        Ok(Self { config: Arc::new(config), certificate })
    }
}

/// A certificate in the data directory and its key, made at first; `stem` begins their files' names.
fn own(directory: &DataDirectory, stem: &str, names: &[String]) -> Result<(PathBuf, PathBuf), TlsError> {
    let certificate = directory.path().join(format!("{stem}-certificate.pem"));
    let key = directory.path().join(format!("{stem}-key.pem"));
    if !certificate.exists() || !key.exists() {
        let names = names.iter().map(String::as_str).chain(OWN_NAMES).map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names.collect::<Vec<_>>())?;
        let pem = zeroize::Zeroizing::new(made.signing_key.serialize_pem());
        // The key first: a certificate that stands alone is made anew.
        directory.write_secret(&key, &pem)?;
        directory.write_secret(&certificate, &made.cert.pem())?;
    }
    Ok((certificate, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(directory: &Path, certificate: Option<&Path>, key: Option<&Path>) -> Result<Tls, TlsError> {
        Tls::load(&DataDirectory::new(directory).unwrap(), certificate, key, &["mail.example.org".to_owned()])
    }

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let place = tempfile::tempdir().unwrap();
        let made = load(place.path(), None, None).unwrap();
        let before = std::fs::read(&made.certificate).unwrap();
        let again = load(place.path(), None, None).unwrap();
        assert_eq!(std::fs::read(&again.certificate).unwrap(), before);
        // Another one is for this machine, and kept too.
        let local = || Tls::of_this_machine(&DataDirectory::new(place.path()).unwrap()).unwrap();
        let own = std::fs::read(local().certificate).unwrap();
        assert_ne!(own, before);
        assert_eq!(std::fs::read(local().certificate).unwrap(), own);
        // It can be named like one's own.
        let key = place.path().join("tls-key.pem");
        assert!(load(place.path(), Some(&made.certificate), Some(&key)).is_ok());
    }

    #[test]
    fn files_of_no_use_are_named() {
        let place = tempfile::tempdir().unwrap();
        let made = load(place.path(), None, None).unwrap();
        assert!(matches!(load(place.path(), Some(&made.certificate), None), Err(TlsError::HalfNamed)));
        let missing = place.path().join("missing.pem");
        let error = load(place.path(), Some(&missing), Some(&missing)).err().unwrap().to_string();
        assert!(error.contains("missing.pem"), "{error}");
        // The certificate is no key.
        let error = load(place.path(), Some(&made.certificate), Some(&made.certificate)).err().unwrap();
        assert!(error.to_string().contains("private key"), "{error}");
    }
}

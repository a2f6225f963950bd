//! TLS as clients speak it: they run on the machine of the gateway, and trust its own certificate and no other.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
};
use zeroize::Zeroizing;

use crate::limits::CERTIFICATE_FILE_BYTES;

/// A file that cannot be used for TLS. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// It cannot be read or holds nothing of use.
    #[error("{path} cannot be used for TLS: {why}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The certificate does not belong to its key, or is of a kind that is not known.
    #[error("the certificate {path} cannot be used: {error}; check that the key belongs to it")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: rustls::Error,
    },
}

/// The cryptography that TLS uses here, on both sides.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates in a file; one at least.
///
/// # Errors
/// [`PemError::Unusable`]
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let unusable = |why: String| PemError::Unusable { path: path.to_owned(), why };
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable("it has no certificate in PEM form".to_owned())),
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// A file with certificates or a key.
///
/// # Errors
/// [`PemError::Unusable`]
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PemError> {
    let failed = |error: std::io::Error| PemError::Unusable { path: path.to_owned(), why: error.to_string() };
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path).map_err(failed)?.take(CERTIFICATE_FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Connects to a server with exactly the first certificate of this file, whatever names and times
/// are in it.
///
/// # Errors
/// [`PemError`]
pub fn connector(certificate: &Path) -> Result<TlsConnector, PemError> {
    let refused = |error| PemError::Refused { path: certificate.to_owned(), error };
    let mut chain = certificates(certificate)?;
    let verifier = Arc::new(Pinned { certificate: chain.swap_remove(0), provider: provider() });
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

//! A node's private key, and the request to have it certified.
//!
//! A node keeps its key when its certificate is renewed: then one file changes, in one step, and a crash between two
//! files cannot leave a certificate beside another's key.

use std::fmt;

use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::certificate::Certificate;
use super::error::IdentityError;

/// A private key. Its `Debug` shows nothing of it.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// A new key on P-256.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate() -> Result<Self, IdentityError> {
        Ok(Self(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?))
    }

    /// Reads a key back.
    ///
    /// # Errors
    /// When it is not the PEM of a private key; `place` says where it came from.
    pub fn from_pem(pem: &str, place: impl fmt::Display) -> Result<Self, IdentityError> {
        KeyPair::from_pem(pem).map(Self).map_err(|_| IdentityError::wrong(place, "this is not a private key in PEM"))
    }

    /// The key as it is kept on disk. For nobody else's eyes.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Asks for a certificate. It names nobody: whoever signs decides what stands in it.
    ///
    /// # Errors
    /// When signing fails, which it does not with a key that was accepted.
    pub fn request(&self) -> Result<String, IdentityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&self.0)?.pem()?)
    }

    /// The certificate, if it is for this key.
    pub(crate) fn is_in(&self, cert_pem: &str) -> Option<Certificate> {
        let der = CertificateDer::from_pem_slice(cert_pem.as_bytes()).ok()?;
        certifies(&der, &self.0).then(|| Certificate::read(&der, "certificate").ok())?
    }

    pub(super) fn into_pair(self) -> KeyPair {
        self.0
    }
}

/// Whether a certificate is for this key.
pub(super) fn certifies(cert: &CertificateDer<'_>, key: &KeyPair) -> bool {
    let parsed = x509_parser::parse_x509_certificate(cert);
    parsed.is_ok_and(|(_, parsed)| parsed.public_key().subject_public_key.data.as_ref() == key.public_key_raw())
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(…)")
    }
}

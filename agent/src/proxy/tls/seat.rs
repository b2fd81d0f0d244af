//! The one certificate that is shown now. Handshakes take it from here; connections that stand keep what they have seen.

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, PoisonError, RwLock};

/// Holds the certificate.
#[derive(Debug)]
pub(super) struct Seat(RwLock<Arc<CertifiedKey>>);

impl Seat {
    pub(super) fn new(shown: Arc<CertifiedKey>) -> Self {
        Self(RwLock::new(shown))
    }

    /// The next handshake shows this one.
    pub(super) fn replace(&self, shown: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

impl ResolvesServerCert for Seat {
    /// Whatever name the client asks for: a client that wanted another says so itself.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

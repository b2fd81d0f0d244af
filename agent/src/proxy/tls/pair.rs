//! A certificate and its key, as they stand in two files that somebody else looks after.

use crate::identity::{self, Certificate, IdentityError, Stamp};
use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a certificate and its key stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and what stands between it and a CA that clients know.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A certificate that fits its key.
pub(super) struct Pair {
    pub(super) shown: Arc<CertifiedKey>,
    pub(super) certificate: Certificate,
    /// Everybody on this machine can read the key.
    pub(super) exposed: bool,
}

impl Files {
    /// Reads both.
    pub(super) fn read(&self) -> Result<Pair, IdentityError> {
        let chain = identity::certificates(&self.cert)?;
        let certificate = Certificate::read(&chain[0], self.cert.display())?;
        let shown = CertifiedKey::from_der(chain, identity::key(&self.key)?, &aws_lc_rs::default_provider());
        let wrong = |why| {
            let cert = self.cert.display();
            let what = match why {
                rustls::Error::InconsistentKeys(_) => format!("not the key of {cert}"),
                other => format!("cannot be used with {cert}: {other}"),
            };
            IdentityError::Wrong(self.key.display().to_string(), what)
        };
        Ok(Pair { shown: Arc::new(shown.map_err(wrong)?), certificate, exposed: self.exposed() })
    }

    fn exposed(&self) -> bool {
        fs::metadata(&self.key).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
    }

    /// What tells these files from what was in their place before.
    pub(super) fn stamps(&self) -> [Stamp; 2] {
        [&self.cert, &self.key].map(|path| identity::stamp(path))
    }
}

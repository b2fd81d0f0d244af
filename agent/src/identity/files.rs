//! `data_dir/tls`: the files an identity is kept in. Each is replaced in one step and is on disk before the step; keys are
//! the owner's alone.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hotseat_core::NodeName;

use super::authority::{Authority, NodeSeat};
use super::error::IdentityError;
use super::key::NodeKey;
use crate::durable::{self, PRIVATE, PUBLIC};

/// No file of ours comes near it: certificates are about 1 KiB.
const FILE_MAX: u64 = 256 * 1024;

/// The certificates and keys of a node, in the files of these names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

/// Certificates that somebody else looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The CA's certificate, or several.
    pub ca: PathBuf,
    /// The node's certificate, and what stands between it and the CA.
    pub cert: PathBuf,
    /// The node's key.
    pub key: PathBuf,
}

impl Folder {
    /// The folder in this `data_dir`.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("tls"))
    }

    /// The files that [`super::Identity::load`] reads.
    #[must_use]
    pub fn own(&self) -> Given {
        Given { ca: self.0.join("ca.pem"), cert: self.0.join("node.pem"), key: self.0.join("node.key") }
    }

    /// Whether there is an identity here. The certificate is written last, so what it needs is there too.
    #[must_use]
    pub fn inhabited(&self) -> bool {
        self.own().cert.exists()
    }

    /// Begins a cluster: makes its CA and this node's certificate.
    ///
    /// # Errors
    /// When a file cannot be written, or there is an identity here already.
    pub fn found(&self, cluster: &NodeName, node: &NodeSeat<'_>, now: SystemTime) -> Result<(), IdentityError> {
        if self.inhabited() {
            let what = "there is an identity here already: remove the folder if this node is to begin a new cluster";
            return Err(IdentityError::wrong(self.0.display(), what));
        }
        let (authority, key) = (Authority::create(cluster, now)?, NodeKey::generate()?);
        let cert = authority.sign(node, &key.request()?, now)?;
        self.install(authority.ca_pem(), Some(&authority), &key, &cert)
    }

    /// Puts an identity here, the certificate last: a crash before leaves none, and joining begins anew.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn install(
        &self,
        ca_pem: &str,
        authority: Option<&Authority>,
        key: &NodeKey,
        cert: &str,
    ) -> Result<(), IdentityError> {
        fs::create_dir_all(&self.0).map_err(IdentityError::file(&self.0))?;
        self.write("ca.pem", ca_pem, PUBLIC)?;
        if let Some(authority) = authority {
            self.write("ca.key", &authority.ca_key_pem(), PRIVATE)?;
            self.write("join.key", &(authority.join_key() + "\n"), PRIVATE)?;
        }
        self.write("node.key", &key.pem(), PRIVATE)?;
        self.renew(cert)
    }

    /// Puts a new certificate for the same key in the old one's place.
    ///
    /// # Errors
    /// When the file cannot be written; then the old one is still there.
    pub fn renew(&self, cert: &str) -> Result<(), IdentityError> {
        self.write("node.pem", cert, PUBLIC)
    }

    /// This node's key.
    ///
    /// # Errors
    /// When it cannot be read, or is not one.
    pub fn key(&self) -> Result<NodeKey, IdentityError> {
        let path = self.own().key;
        NodeKey::from_pem(&read(&path)?, path.display())
    }

    /// The CA and the join key, if this node holds them.
    ///
    /// # Errors
    /// When there are files, but not such.
    pub fn authority(&self, cluster: &NodeName) -> Result<Option<Authority>, IdentityError> {
        let ca_key = match read(&self.0.join("ca.key")) {
            Err(why) if why.missing() => return Ok(None),
            other => other?,
        };
        let ca_pem = read(&self.own().ca)?;
        Authority::from_parts(cluster, &ca_pem, &ca_key, &read(&self.0.join("join.key"))?)
            .map(Some)
            .map_err(|why| IdentityError::wrong(self.0.display(), why))
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), IdentityError> {
        let path = self.0.join(name);
        durable::replace(&path, text.as_bytes(), mode).map_err(IdentityError::file(&path))
    }
}

/// Reads a text file, but not an endless one.
pub(super) fn read(path: &Path) -> Result<String, IdentityError> {
    let mut text = String::new();
    let file = File::open(path).map_err(IdentityError::file(path))?;
    file.take(FILE_MAX + 1).read_to_string(&mut text).map_err(IdentityError::file(path))?;
    match text.len() as u64 {
        0 => Err(IdentityError::wrong(path.display(), "the file is empty")),
        size if size > FILE_MAX => Err(IdentityError::wrong(path.display(), "this is far too large for certificates")),
        _ => Ok(text),
    }
}

//! Who a node is, and how others know: the cluster's CA, the node's certificate, and tokens to join with.
//!
//! ```text
//!   Authority (ca.key, join.key) ──signs──> node certificate: hotseat://CLUSTER/NODE/ID
//!        │                                     │
//!        └──invites──> Token ──joins──> …      └──> Identity ──watched by──> links
//! ```
//!
//! The clock of certificates and tokens is the wall clock; no decision of the protocol hangs on it. Nothing here
//! speaks to the network, and no key is ever logged.

mod authority;
mod certificate;
mod error;
mod files;
mod keeper;
mod key;
mod name;
mod tls;
mod token;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use hotseat_core::NodeName;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub use authority::{Authority, NodeSeat};
pub use certificate::{Certificate, Health, State};
pub use error::IdentityError;
pub use files::{Folder, Given};
pub use keeper::{Keeper, Source};
pub(crate) use keeper::{Stamp, stamp};
pub use key::NodeKey;
pub use name::Name;
pub use tls::{ALPN_COME, ALPN_JOIN, ALPN_PEERS};
pub(crate) use tls::{come_client, join_client};
pub(crate) use token::Claim;
pub use token::{Fingerprint, Token, TokenError};

/// Certificates in one file: a chain is two or three long, a list of CAs hardly longer.
const CHAIN_MAX: usize = 16;

/// Who this node is, and what it shows for it.
#[derive(Debug)]
pub struct Identity {
    name: Name,
    tls: Option<Tls>,
}

/// What a node with a certificate needs.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) certificate: Certificate,
    pub(crate) peers_server: Arc<ServerConfig>,
    pub(crate) peers_client: Arc<ClientConfig>,
    /// For browsers and programs that come to the API.
    pub(crate) web_server: Arc<ServerConfig>,
    /// With the authority, for nodes that want to join.
    pub(crate) join_server: Option<Arc<ServerConfig>>,
    pub(crate) authority: Option<Authority>,
}

impl Identity {
    /// Without TLS: speaks to loopback only.
    #[must_use]
    pub fn plain(name: Name) -> Self {
        Self { name, tls: None }
    }

    /// From `data_dir/tls`. The node's id is what its certificate says.
    ///
    /// # Errors
    /// What is wrong with which file; also when the certificate is another node's or another cluster's.
    pub fn load(folder: &Folder, cluster: &NodeName, node: &NodeName) -> Result<Self, IdentityError> {
        let files = folder.own();
        let certificate = leaf(&files.cert)?;
        let Some(name) = certificate.name.clone() else {
            return Err(IdentityError::wrong(
                files.cert.display(),
                "this certificate does not say which node it is of",
            ));
        };
        belongs(&files.cert, &name, cluster, node)?;
        Ok(Self { tls: Some(Tls::build(&files, certificate, folder.authority(cluster)?)?), name })
    }

    /// From files that somebody else looks after. If the certificate names a node in our way, it has to be this one;
    /// if not, one of its DNS names or its common name has to be the node's name, and the id is taken from `name`.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn given(files: &Given, mut name: Name) -> Result<Self, IdentityError> {
        let certificate = leaf(&files.cert)?;
        if let Some(found) = &certificate.name {
            belongs(&files.cert, found, &name.cluster, &name.node)?;
            name.id = found.id;
        } else if !certificate.speaks_for(&name.node) {
            let what = format!(
                "this certificate is for {}, and this node is \"{}\": it needs that DNS name, or the URI {name}",
                certificate.says(),
                name.node
            );
            return Err(IdentityError::wrong(files.cert.display(), what));
        }
        Ok(Self { tls: Some(Tls::build(files, certificate, None)?), name })
    }

    /// Who this node is.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether this node speaks without TLS.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.tls.is_none()
    }

    /// The certificate it shows.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.tls.as_ref().map(|tls| &tls.certificate)
    }

    /// The CA, if this node holds its key: then it can invite, let in, and renew.
    #[must_use]
    pub fn authority(&self) -> Option<&Authority> {
        self.tls.as_ref().and_then(|tls| tls.authority.as_ref())
    }

    /// How the certificate's life goes. None without TLS.
    #[must_use]
    pub fn health(&self, now: SystemTime) -> Option<Health> {
        self.certificate().map(|it| it.health(now))
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }
}

impl Tls {
    fn build(files: &Given, certificate: Certificate, authority: Option<Authority>) -> Result<Self, IdentityError> {
        let shown = tls::Shown { chain: certificates(&files.cert)?, key: key(&files.key)? };
        let mut roots = RootCertStore::empty();
        for ca in certificates(&files.ca)? {
            roots.add(ca).map_err(|why| IdentityError::wrong(files.ca.display(), why))?;
        }
        let roots = Arc::new(roots);
        // What rustls refuses here is a key that does not fit the certificate, or one of a kind it does not know.
        let wrong =
            |why| IdentityError::wrong(files.key.display(), format!("not the key of {}: {why}", files.cert.display()));
        let join = authority.as_ref().map(|authority| {
            let mut shown = shown.clone();
            shown.chain.push(authority.ca());
            tls::join_server(shown).map(Arc::new)
        });
        Ok(Self {
            certificate,
            peers_server: Arc::new(tls::peers_server(&roots, shown.clone()).map_err(wrong)?),
            web_server: Arc::new(tls::web_server(shown.clone()).map_err(wrong)?),
            peers_client: Arc::new(tls::peers_client(&roots, shown).map_err(wrong)?),
            join_server: join.transpose().map_err(wrong)?,
            authority,
        })
    }
}

fn belongs(path: &Path, found: &Name, cluster: &NodeName, node: &NodeName) -> Result<(), IdentityError> {
    if found.cluster == *cluster && found.node == *node {
        return Ok(());
    }
    let what = format!(
        "this certificate is for node \"{}\" of cluster \"{}\"; the configuration says \"{node}\" of \"{cluster}\"",
        found.node, found.cluster
    );
    Err(IdentityError::wrong(path.display(), what))
}

/// The first certificate of a file: whose it is.
pub(crate) fn leaf(path: &Path) -> Result<Certificate, IdentityError> {
    let chain = certificates(path)?;
    Certificate::read(&chain[0], path.display())
}

/// At least one certificate.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let text = files::read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).take(CHAIN_MAX).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(IdentityError::wrong(path.display(), "this is not a certificate in PEM")),
    }
}

/// One private key.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let text = files::read(path)?;
    PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| IdentityError::wrong(path.display(), "this is not a private key in PEM"))
}

//! Whom a receiver's certificate may be from: the machine's own authorities, and those of a file.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::identity;

/// A client of TLS. Made anew for each message: certificates may have changed since the last.
///
/// # Errors
/// What is wrong with the file, or that there is nobody to trust.
pub(super) async fn client(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let ca = ca.map(Path::to_owned);
    let made = tokio::task::spawn_blocking(move || make(ca.as_deref())).await;
    made.map_err(|error| error.to_string())?
}

fn make(ca: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let given = ca.map(identity::certificates).transpose().map_err(|error| error.to_string())?;
    for certificate in given.unwrap_or_default() {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    // Without any authority every certificate is refused, which says what is the matter.
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

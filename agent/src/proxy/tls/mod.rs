//! TLS that ends at the proxy, with a certificate that can be replaced while clients come and go.
//!
//! ```text
//!   cert, key ──read, checked──▶ Pair ──▶ Seat ◀── each new handshake
//!       ▲                                  ▲
//!       └── changed, or asked (HUP) ── Keeper: a pair that is wrong changes nothing, and is said once
//! ```
//!
//! Versions 1.2 and 1.3, no certificate of the client's. It never looks at what is carried, and no key is ever logged.

mod keeper;
mod pair;
mod seat;
#[cfg(test)]
mod tests;

pub use keeper::Keeper;
pub use pair::Files;

use crate::identity::IdentityError;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use seat::Seat;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A handshake is three messages: who takes longer over it is not coming.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// What is offered to clients of HTTP, the better one first.
pub const ALPN_HTTP: &[&[u8]] = &[b"h2", b"http/1.1"];

/// Ends clients' TLS. Clones share the certificate.
#[derive(Clone)]
pub struct Terminator(TlsAcceptor);

impl Terminator {
    /// Reads the certificate for the first time. The keeper has to run for later ones to be noticed.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn open(files: Files, alpn: &[&[u8]]) -> Result<(Self, Keeper), IdentityError> {
        let (seat, keeper) = Keeper::open(files)?;
        Ok((Self(TlsAcceptor::from(Arc::new(config(seat, alpn)))), keeper))
    }

    /// What handshakes go by.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(self.0.config())
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// Why there is nobody to talk to; the connection is over.
    pub async fn accept(&self, client: TcpStream) -> Result<TlsStream<TcpStream>, NoHandshake> {
        match timeout(HANDSHAKE_MAX, self.0.accept(client)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(why)) => Err(NoHandshake::Failed(why.to_string())),
            Err(_) => Err(NoHandshake::Late),
        }
    }
}

impl fmt::Debug for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Terminator(…)")
    }
}

/// Why a client did not come through its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoHandshake {
    /// It speaks no TLS that is spoken here, or left.
    Failed(String),
    /// It took too long.
    Late,
}

impl fmt::Display for NoHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => f.write_str(why),
            Self::Late => f.write_str("its handshake does not end"),
        }
    }
}

impl std::error::Error for NoHandshake {}

/// The provider is named: nothing here hangs on which one a process installed first.
fn config(seat: Arc<Seat>, alpn: &[&[u8]]) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("the provider has what both versions need");
    let mut config = builder.with_no_client_auth().with_cert_resolver(seat);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

//! What lies between a client's socket and its words: a preamble, TLS, both, or nothing.
//!
//! ```text
//!  socket ── preamble: who it is ──▶ handshake ──▶ words
//!     └────────────┴─────────────────────┴──▶ refused: reset
//! ```
//! A client waits here for nobody but itself: it takes its place in the line only once it is through.

use super::Protocol;
use super::accept::Origin;
use super::carry::reset;
use super::preamble::{Ends, Intake, Refusal, Version};
use super::stream::Stream;
use super::tls::{ALPN_HTTP, Keeper, Terminator};
use crate::config;
use crate::identity::IdentityError;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A balancer that is set up wrongly is wrong with every connection: people are told once in this time.
const GRUMBLE_EVERY: Duration = Duration::from_secs(60);

/// See the module. By default nothing is there.
#[derive(Debug, Default)]
pub struct Gate {
    /// Whose word counts for who a client is.
    intake: Intake,
    /// Ends the clients' TLS.
    tls: Option<Terminator>,
    /// How services are told whose connection it is.
    pub(super) send: Option<Version>,
    grumbled: Mutex<Option<Instant>>,
}

/// A client that is through.
pub(super) enum Entered {
    Plain(TcpStream, Origin),
    Secure(Box<TlsStream<TcpStream>>, Origin),
}

impl Gate {
    /// The gate that a configuration describes, and who looks after its certificate.
    ///
    /// # Errors
    /// What is wrong with the certificate or its key.
    pub fn open(proxy: &config::Proxy) -> Result<(Self, Option<Keeper>), IdentityError> {
        let config::Preambles { intake, send } = proxy.preambles.clone();
        // Who carries bytes cannot promise what they mean.
        let alpn = if proxy.protocol == Protocol::Tcp { &[] } else { ALPN_HTTP };
        let (tls, keeper) = proxy.tls.clone().map(|files| Terminator::open(files, alpn)).transpose()?.unzip();
        Ok((Self { intake, tls, send, grumbled: Mutex::default() }, keeper))
    }

    /// Whether every client is through at once.
    pub(super) fn is_open(&self) -> bool {
        self.intake == Intake::Sockets && self.tls.is_none()
    }

    /// Sees a client through; none if it was refused.
    pub(super) async fn enter(&self, mut client: TcpStream) -> Option<Entered> {
        let ends = match self.intake.ends(&mut client).await {
            Ok(ends) => ends,
            Err(why) => {
                self.refused(&client, why);
                reset(&client);
                return None;
            }
        };
        let Some(tls) = &self.tls else { return Some(Entered::Plain(client, Origin { ends, secure: false })) };
        match tls.accept(client).await {
            Ok(stream) => Some(Entered::Secure(Box::new(stream), Origin { ends, secure: true })),
            Err(why) => {
                tracing::debug!(client = %ends.client, %why, "no TLS with a client");
                None
            }
        }
    }

    /// Checks of balancers come and go without a word: those are not worth one of ours.
    fn refused(&self, client: &TcpStream, why: Refusal) {
        let mut grumbled = self.grumbled.lock().unwrap_or_else(PoisonError::into_inner);
        if why == Refusal::Gone || grumbled.is_some_and(|at| at.elapsed() < GRUMBLE_EVERY) {
            return;
        }
        *grumbled = Some(Instant::now());
        let client = client.peer_addr().map_or_else(|_| String::from("a client"), |peer| peer.to_string());
        tracing::warn!("{client} was refused by the proxy, and perhaps others: {why}");
    }

    /// Says to a service whose connection this is, before anything else is said on it.
    ///
    /// # Errors
    /// When the service is gone again.
    pub(super) async fn introduce(&self, server: &mut TcpStream, client: Ends) -> io::Result<()> {
        match self.send {
            Some(version) => server.write_all(&client.preamble(version)).await,
            None => Ok(()),
        }
    }
}

impl Stream for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn is_plain(&self) -> bool {
        false
    }
}

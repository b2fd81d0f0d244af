//! Which preambles a proxy takes, and from whom.

use super::parse::Parsed;
use super::take::{looks_like_one, take};
use super::{Ends, Version};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A balancer sends its preamble with the first segment: one that takes longer than a segment sent anew is none.
const PREAMBLE_WAIT: Duration = Duration::from_secs(3);
/// A client that nobody vouches for has this long to give itself away. Later it gains nothing: what it sends is carried
/// as any other bytes.
const LOOK_WAIT: Duration = Duration::from_millis(25);

/// What a proxy believes about who its clients are.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Intake {
    /// The sockets alone.
    #[default]
    Sockets,
    /// Preambles of these senders, who have to send one.
    Listed {
        /// The only version that is taken; none: both are.
        version: Option<Version>,
        /// Who may say whose connection it is.
        from: Vec<IpNet>,
    },
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It comes from a listed sender, and does not begin with a preamble that is accepted.
    Malformed,
    /// It comes from a listed sender, and its preamble was not whole in time.
    Late,
    /// It begins with a preamble, and its sender is not listed.
    Untrusted,
    /// It went away before it was known whose it is.
    Gone,
}

impl Intake {
    /// The ends of a connection. What is left to read begins after the preamble.
    ///
    /// # Errors
    /// [`Refusal`]: nothing of it may be carried.
    pub async fn ends(&self, client: &mut TcpStream) -> Result<Ends, Refusal> {
        let own = Ends::of(client).map_err(|_| Refusal::Gone)?;
        match self {
            Self::Sockets => Ok(own),
            Self::Listed { version, from } if listed(from, own.client.ip()) => {
                match timeout(PREAMBLE_WAIT, take(client, *version)).await {
                    Ok(Ok(Parsed::Proxied(named))) => Ok(named),
                    Ok(Ok(Parsed::Local | Parsed::Torn)) => Ok(own),
                    Ok(Err(why)) => Err(why),
                    Err(_) => Err(Refusal::Late),
                }
            }
            Self::Listed { .. } => match timeout(LOOK_WAIT, looks_like_one(client)).await {
                Ok(true) => Err(Refusal::Untrusted),
                Ok(false) | Err(_) => Ok(own),
            },
        }
    }
}

fn listed(from: &[IpNet], sender: IpAddr) -> bool {
    from.iter().any(|network| network.contains(&sender))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => {
                "it is in proxy_protocol.from and must begin with a PROXY protocol header of a version in accept"
            }
            Self::Late => {
                "it is in proxy_protocol.from and must begin with a PROXY protocol header, and sent none in time"
            }
            Self::Untrusted => "it sent a preamble, and is not listed in proxy_protocol.from",
            Self::Gone => "it went away before it was known whose connection it is",
        })
    }
}

impl std::error::Error for Refusal {}

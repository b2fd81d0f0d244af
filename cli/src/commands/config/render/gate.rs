//! What is said between clients, a proxy and its service before anything else, as a balancer has to know it.

use hotseat_client::ProxyGate;

use super::super::super::Failed;

/// A way to say whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preamble {
    V1,
    V2,
}

/// See the module. Checked: it comes from another machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gate {
    /// The proxy ends TLS.
    pub(super) tls: bool,
    /// What listed balancers have to say to the proxy.
    pub(super) accept: Option<Preamble>,
    /// What the service has to be told.
    pub(super) send: Option<Preamble>,
    /// Proxies of nodes that do not lead send HTTP clients elsewhere.
    pub(super) redirects: bool,
}

impl Gate {
    pub(super) fn read(told: Option<&ProxyGate>) -> Result<Self, Failed> {
        let Some(told) = told else { return Ok(Self::default()) };
        Ok(Self {
            tls: told.tls,
            accept: told.accept.as_deref().map(preamble).transpose()?,
            send: told.send.as_deref().map(preamble).transpose()?,
            redirects: told.redirects,
        })
    }
}

impl Preamble {
    /// `HAProxy`'s words for it, behind a server.
    pub(super) const fn haproxy(self) -> &'static str {
        match self {
            Self::V1 => " send-proxy",
            Self::V2 => " send-proxy-v2",
        }
    }
}

fn preamble(told: &str) -> Result<Preamble, Failed> {
    match told {
        "v1" => Ok(Preamble::V1),
        "v2" | "any" => Ok(Preamble::V2),
        _ => Err(Failed::new(format!("\"{}\" is no version of the PROXY protocol", told.escape_debug()))),
    }
}

//! What clients see through a proxy, ours beside HAProxy in the same run: faults, throughput, memory; and how the health
//! endpoints that HAProxy asks fare while the store hangs.
//!
//! ```text
//!  open   ── a request each millisecond, whatever became of the others ──▶ faults: what failed, how long it stalled
//!  closed ── so many connections, each asks again once it is answered ───▶ load: requests a second, p99, memory
//! ```
//! Client, proxies and services share the machine's cores: figures are for comparing with each other, not with others'.

pub(crate) mod backend;
mod closed;
pub(crate) mod endpoints;
pub(crate) mod faults;
mod kept;
pub(crate) mod load;
mod open;
pub(crate) mod told;

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// None: the service itself, to see what the client can do.
    Direct,
    Hotseat,
    Haproxy,
}

impl Front {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Direct => "none",
            Self::Hotseat => "**hotseat**",
            Self::Haproxy => "HAProxy",
        }
    }
}

/// A thousand connections are two thousand descriptors of a proxy's, which inherits the limit.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    raised.expect("the soft limit may be raised to the hard one");
}

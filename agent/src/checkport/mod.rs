//! `[group.check]`: ports of their own where load balancers ask whether this node leads a group (`cmn_3`, `cmn_4`).
//!
//! They answer from the first moment on, out of the loop's last picture and the clock: a store that hangs cannot hold an
//! answer up, and a loop that hangs cannot make one lie. They ask nobody else, and change nothing.

mod http;
mod line;
mod standing;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::{CheckPort, Config};
use crate::run::Failure;
use crate::snapshot::Snapshot;
use standing::Sight;

/// Where the ports of one group are, once they listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// The HTTP check.
    pub http: Option<SocketAddr>,
    /// The agent-check.
    pub line: Option<SocketAddr>,
}

type Picture = watch::Receiver<Arc<Snapshot>>;

/// The ports of all groups. They answer until the runtime ends.
pub(crate) struct CheckPorts {
    bound: Vec<Bound>,
    picture: watch::Sender<Option<Picture>>,
}

impl CheckPorts {
    /// Listens wherever the configuration says so. Until there is a picture, every answer is that nothing is known.
    ///
    /// # Errors
    /// [`Failure`] names the address that cannot be had.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let (picture, shown) = watch::channel(None);
        let mut bound = Vec::new();
        for group in &config.groups {
            let sight = Sight::new(group.id.clone(), shown.clone());
            bound.push(match &group.check {
                Some(ports) => open(ports, &sight).await?,
                None => Bound::default(),
            });
        }
        Ok(Self { bound, picture })
    }

    /// From now on the answers come from the loop's picture.
    pub(crate) fn show(&self, picture: Picture) {
        self.picture.send_replace(Some(picture));
    }

    /// Where they are, in the order of the configuration.
    pub(crate) fn bound(&self) -> Vec<Bound> {
        self.bound.clone()
    }
}

async fn open(ports: &CheckPort, sight: &Sight) -> Result<Bound, Failure> {
    let mut bound = Bound::default();
    if let Some(wanted) = ports.listen {
        let (listener, at) = listen(wanted, "listen", sight)?;
        tokio::spawn(http::serve(listener, sight.clone()));
        bound.http = Some(at);
    }
    if let Some(wanted) = ports.agent {
        let (listener, at) = listen(wanted, "agent", sight)?;
        tokio::spawn(line::serve(listener, sight.clone()));
        bound.line = Some(at);
    }
    Ok(bound)
}

fn listen(wanted: SocketAddr, key: &str, sight: &Sight) -> Result<(TcpListener, SocketAddr), Failure> {
    let named = |error: std::io::Error| {
        let what = format!("group {}: [group.check] {key} = \"{wanted}\": {error}", sight.group());
        Failure(format!("{what}\n       Give it an address of this machine and a free port."))
    };
    let listener = crate::listen::listen(wanted).map_err(named)?;
    let at = listener.local_addr().map_err(named)?;
    Ok((listener, at))
}

//! What was HTTP and is now something else, a WebSocket for example: bytes both ways, until a newer epoch comes.
//!
//! A planned end does not wait for it: nobody could say how long.

use super::Visit;
use super::link::Link;
use crate::proxy::counters::Counted;
use crate::proxy::route::Way;
use futures_util::future::{poll_fn, try_join};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::task::Poll;
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

/// Both sides have agreed already; only what is on the way is waited for.
const AGREED_MAX: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct Tunnel {
    pub(super) client: OnUpgrade,
    pub(super) service: OnUpgrade,
    pub(super) link: Link,
    pub(super) way: Way,
}

impl Tunnel {
    /// Carries until both sides are done, one fails, or the way is over.
    pub(super) async fn run(self, visit: &Visit) {
        let (way, mut course) = (self.way.clone(), visit.course.clone());
        let Ok(Some((mut client, mut service))) = timeout(AGREED_MAX, self.opened()).await else {
            return visit.pulse.breaks();
        };
        let _counted = Counted::new(&visit.shared.counters.active);
        tokio::select! {
            biased;
            () = course.outlives(&way) => {
                visit.shared.counters.cut();
                visit.pulse.breaks();
            }
            done = copy_bidirectional(&mut client, &mut service) => {
                if done.is_err() {
                    visit.pulse.breaks();
                }
            }
        }
    }

    async fn opened(self) -> Option<(TokioIo<Upgraded>, TokioIo<Upgraded>)> {
        let Self { client, service, mut link, .. } = self;
        let driven = poll_fn(|cx| {
            link.drive(cx);
            Poll::<()>::Pending
        });
        tokio::select! {
            biased;
            () = driven => None,
            opened = try_join(client, service) => {
                let (client, service) = opened.ok()?;
                Some((TokioIo::new(client), TokioIo::new(service)))
            }
        }
    }
}

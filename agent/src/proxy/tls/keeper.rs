//! Notices that the files have changed, and says what people have to do about a certificate.

use super::pair::{Files, Pair};
use super::seat::Seat;
use crate::identity::{Certificate, Health, IdentityError, Stamp, State};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::timeout;

/// How often the files are looked at. Two files are not replaced at one instant: they are read once two looks in a row
/// have found the same.
const LOOK: Duration = Duration::from_secs(2);

/// Keeps a [`super::Terminator`]'s certificate up to date.
#[derive(Debug)]
pub struct Keeper {
    files: Files,
    seat: Arc<Seat>,
    certificate: Certificate,
    /// What was read last, for better or worse.
    read: [Stamp; 2],
    /// What the last look found.
    seen: [Stamp; 2],
    /// How the certificate's life went when that was last said.
    told: State,
}

impl Keeper {
    pub(super) fn open(files: Files) -> Result<(Arc<Seat>, Self), IdentityError> {
        // Stamped before it is read: what is written in between is read at the next look.
        let stamps = files.stamps();
        let pair = files.read()?;
        let seat = Arc::new(Seat::new(Arc::clone(&pair.shown)));
        let certificate = pair.certificate.clone();
        let mut keeper =
            Self { files, seat: Arc::clone(&seat), certificate, read: stamps, seen: stamps, told: State::Fresh };
        keeper.take(pair);
        Ok((seat, keeper))
    }

    /// Looks at the files for ever, and reads them whenever `reread` changes. Ends when it is aborted.
    pub async fn run(mut self, mut reread: watch::Receiver<()>) {
        loop {
            let asked = match timeout(LOOK, reread.changed()).await {
                Ok(Ok(())) => true,
                // Nobody is left to ask: what is left is to look.
                Ok(Err(_)) => {
                    tokio::time::sleep(LOOK).await;
                    false
                }
                Err(_) => false,
            };
            let looking = move || {
                self.look(asked);
                self
            };
            // Files may be on a disk that hangs: that costs one thread and nothing else.
            match tokio::task::spawn_blocking(looking).await {
                Ok(keeper) => self = keeper,
                Err(why) => return tracing::error!(%why, "the certificate is not looked at any more"),
            }
        }
    }

    /// One look. What changed is read once it has settled, or at once if somebody asked.
    pub(super) fn look(&mut self, asked: bool) {
        let stamps = self.files.stamps();
        let settled = std::mem::replace(&mut self.seen, stamps) == stamps;
        if stamps != self.read && (settled || asked) {
            self.read = stamps;
            match self.files.read() {
                Ok(pair) => self.take(pair),
                Err(why) => tracing::warn!("a new certificate is not used, the one before it stays: {why}"),
            }
        }
        self.tell(self.certificate.health(SystemTime::now()));
    }

    fn take(&mut self, pair: Pair) {
        self.seat.replace(pair.shown);
        self.certificate = pair.certificate;
        self.told = State::Fresh;
        let (file, whose) = (self.files.cert.display(), self.certificate.says());
        let ends = humantime::format_rfc3339_seconds(self.certificate.ends);
        tracing::info!("{file}: the certificate of {whose}, good until {ends}, is in use");
        if pair.exposed {
            let key = self.files.key.display();
            tracing::warn!("{key}: everybody on this machine can read this private key: chmod 600 {key}");
        }
        self.tell(self.certificate.health(SystemTime::now()));
    }

    /// Says that a certificate nears its end: once when it should have been renewed, once when it is too late.
    fn tell(&mut self, health: Health) {
        if health.state <= self.told {
            return;
        }
        self.told = health.state;
        let file = self.files.cert.display();
        let left = humantime::format_duration(Duration::from_secs(health.expires_in.as_secs() / 3600 * 3600));
        match health.state {
            State::Fresh | State::Due => {}
            State::Trouble => tracing::warn!("{file}: this certificate expires in {left}, and has not been renewed"),
            State::Expired => tracing::error!("{file}: this certificate has expired: clients will refuse it"),
        }
    }
}

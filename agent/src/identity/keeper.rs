//! Keeps an identity up to date: looks at its files now and then, and when asked. A file that is wrong changes nothing;
//! what was good before stays in use, and what is wrong is said.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hotseat_core::NodeName;
use tokio::sync::watch;

use super::Identity;
use super::certificate::Health;
use super::error::IdentityError;
use super::files::{Folder, Given};
use super::name::Name;

/// How often the files are looked at. Who renews a certificate does so days before it is needed.
const LOOK: Duration = Duration::from_secs(30);

/// Where an identity comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// `data_dir/tls`, which we look after; for this cluster and node.
    Own(Folder, NodeName, NodeName),
    /// Files that somebody else looks after; for this node.
    Given(Given, Name),
    /// No TLS, on loopback only.
    Plain(Name),
}

/// What tells a file from what was in its place before: inode, size, and times.
pub(crate) type Stamp = Option<(u64, u64, i64, i64)>;

/// Holds the identity and hands out new ones.
#[derive(Debug)]
pub struct Keeper {
    source: Source,
    sender: watch::Sender<Arc<Identity>>,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    stamps: [Stamp; 3],
    trouble: Option<String>,
}

impl Keeper {
    /// Reads the identity for the first time.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn open(source: Source) -> Result<Self, IdentityError> {
        let stamps = source.stamps();
        let sender = watch::Sender::new(Arc::new(source.read()?));
        Ok(Self { source, sender, seen: Mutex::new(Seen { stamps, trouble: None }) })
    }

    /// The identity, now and later.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Identity>> {
        self.sender.subscribe()
    }

    /// Where the identity comes from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Reads the files again, whether they have changed or not.
    ///
    /// # Errors
    /// What is wrong with them; then the identity stays as it was.
    pub fn reload(&self) -> Result<(), IdentityError> {
        // Stamped before it is read: what is written in between is read at the next look.
        let stamps = self.source.stamps();
        let found = self.source.read();
        let trouble = found.as_ref().err().map(ToString::to_string);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen { stamps, trouble };
        self.sender.send_replace(Arc::new(found?));
        Ok(())
    }

    /// Reads the files again if they have changed. True: there is a new identity.
    ///
    /// # Errors
    /// What is wrong with them, once for each change.
    pub fn look(&self) -> Result<bool, IdentityError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).stamps;
        if self.source.stamps() == seen {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    /// Why the files' last change was not taken over, if it was not.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    /// How the certificate's life goes. None without TLS.
    #[must_use]
    pub fn health(&self, now: SystemTime) -> Option<Health> {
        self.sender.borrow().health(now)
    }

    /// Looks at the files for ever. Ends when it is aborted.
    pub async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let keeper = Arc::clone(&self);
            // Files may be on a disk that hangs: that costs one thread and nothing else.
            match tokio::task::spawn_blocking(move || keeper.look()).await {
                Ok(Ok(true)) => tracing::info!("the node's certificate was read anew"),
                Ok(Err(why)) => tracing::warn!("the new certificate is not used: {why}"),
                Ok(Ok(false)) | Err(_) => {}
            }
        }
    }
}

impl Source {
    fn read(&self) -> Result<Identity, IdentityError> {
        match self {
            Self::Own(folder, cluster, node) => Identity::load(folder, cluster, node),
            Self::Given(given, name) => Identity::given(given, name.clone()),
            Self::Plain(name) => Ok(Identity::plain(name.clone())),
        }
    }

    fn stamps(&self) -> [Stamp; 3] {
        let files = match self {
            Self::Own(folder, ..) => folder.own(),
            Self::Given(given, _) => given.clone(),
            Self::Plain(_) => return [None; 3],
        };
        [&files.ca, &files.cert, &files.key].map(|path| stamp(path))
    }
}

/// Stamps a file; none if it cannot be found.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

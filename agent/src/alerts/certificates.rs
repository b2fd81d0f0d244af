//! When the certificates end that this node's proxies show to clients. Their files are read now and then, off to the side.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hotseat_core::Instant;

use crate::config::Config;
use crate::identity;

/// Between two looks into the files.
const PACE: Duration = Duration::from_secs(3600);

/// Time for people to do something about it: whatever renews certificates by itself has done so by then.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// See the module.
pub(super) struct Certificates {
    /// Of which group, and where.
    files: Vec<(String, PathBuf)>,
    looked: Option<Instant>,
    found: Arc<Mutex<Vec<String>>>,
}

impl Certificates {
    /// Those of this configuration.
    pub(super) fn new(config: &Config) -> Self {
        let files = config.groups.iter().filter_map(|group| {
            let files = group.proxy.as_ref()?.tls.as_ref()?;
            Some((format!("the proxy of {}", group.id), files.cert.clone()))
        });
        Self { files: files.collect(), looked: None, found: Arc::default() }
    }

    /// What ends soon, as it was found last; looks anew if that was long ago.
    pub(super) fn ending(&mut self, now: Instant) -> Vec<String> {
        if !self.files.is_empty() && self.looked.is_none_or(|last| now.since(last) >= PACE) {
            self.looked = Some(now);
            let (files, found) = (self.files.clone(), Arc::clone(&self.found));
            tokio::task::spawn_blocking(move || {
                let now = SystemTime::now();
                let ending = files.iter().filter_map(|(whose, file)| Some(format!("{whose}: {}", trouble(file, now)?)));
                let ending = ending.collect();
                *found.lock().unwrap_or_else(PoisonError::into_inner) = ending;
            });
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is the matter with the certificate in a file. That it cannot be read, whoever uses it says.
fn trouble(file: &Path, now: SystemTime) -> Option<String> {
    let left = identity::leaf(file).ok()?.health(now).expires_in;
    let days = left.as_secs() / 86_400;
    let name = file.display();
    match left {
        Duration::ZERO => Some(format!("the certificate in {name} has ended")),
        left if left < SOON => Some(format!("the certificate in {name} ends in {days} days")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_two_weeks_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("cert.pem");
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new([String::from("web")]).expect("a name");
        let begun = SystemTime::now();
        let day = |days: u64| begun + Duration::from_secs(days * 86_400);
        params.not_after = (day(90) + Duration::from_secs(3600)).into();
        std::fs::write(&file, params.self_signed(&key).expect("a certificate").pem()).expect("a file");
        let told = |days| trouble(&file, day(days)).unwrap_or_default();
        assert_eq!(told(75), "");
        assert!(told(80).ends_with("ends in 10 days"), "{}", told(80));
        assert!(told(91).ends_with("has ended"));
        assert_eq!(trouble(&folder.path().join("none"), day(0)), None);
    }
}

//! A certificate as we read it: whose it is, and until when.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use hotseat_core::NodeName;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::error::IdentityError;
use super::name::Name;

/// A certificate is renewed when this part of its life is left …
const RENEWED_AT: u32 = 3;

/// … and if it has not been by this part, something keeps it from being renewed: people are told.
const TROUBLE_AT: u32 = 6;

/// What matters to us in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, if it says so in our way.
    pub name: Option<Name>,
    /// The names and addresses of the machine.
    pub hosts: Vec<String>,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// From when on it holds.
    pub begins: SystemTime,
    /// Until when it holds.
    pub ends: SystemTime,
}

/// How a certificate's life goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing to do.
    Fresh,
    /// It is time to renew it.
    Due,
    /// It should have been renewed long ago: see why it was not, before it expires.
    Trouble,
    /// Nobody accepts it any more.
    Expired,
}

/// How a certificate's life goes, and how much of it is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is to be done.
    pub state: State,
    /// The time left; zero once it has expired.
    pub expires_in: Duration,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// When it is not one; `place` says where it came from.
    pub fn read(der: &CertificateDer<'_>, place: impl fmt::Display) -> Result<Self, IdentityError> {
        let wrong = |_| IdentityError::wrong(place, "this is not an X.509 certificate");
        let (_, parsed) = X509Certificate::from_der(der).map_err(wrong)?;
        let mut found = Self {
            name: None,
            hosts: Vec::new(),
            common_name: parsed.subject().iter_common_name().find_map(|it| it.as_str().ok()).map(str::to_owned),
            begins: moment(parsed.validity().not_before.timestamp()),
            ends: moment(parsed.validity().not_after.timestamp()),
        };
        // An extension that cannot be read names nobody.
        let names = parsed.subject_alternative_name().ok().flatten().map(|it| it.value.general_names.as_slice());
        names.unwrap_or_default().iter().for_each(|name| found.take(name));
        Ok(found)
    }

    fn take(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::URI(uri) if self.name.is_none() => self.name = Name::parse(uri),
            GeneralName::DNSName(host) => self.hosts.push((*host).to_owned()),
            GeneralName::IPAddress(bytes) => self.hosts.extend(address(bytes).map(|it| it.to_string())),
            _ => {}
        }
    }

    /// Whether a certificate that is not in our way may speak for a node of this name.
    #[must_use]
    pub fn speaks_for(&self, node: &NodeName) -> bool {
        match &self.name {
            Some(name) => name.node == *node,
            None => self.hosts.iter().chain(&self.common_name).any(|host| host == node.as_str()),
        }
    }

    /// Whom it is for, for people.
    #[must_use]
    pub fn says(&self) -> String {
        match &self.name {
            Some(name) => name.to_string(),
            None => self.hosts.iter().chain(&self.common_name).map(String::as_str).collect::<Vec<_>>().join(", "),
        }
    }

    /// How its life goes at this moment.
    #[must_use]
    pub fn health(&self, now: SystemTime) -> Health {
        let expires_in = self.ends.duration_since(now).unwrap_or_default();
        let life = self.ends.duration_since(self.begins).unwrap_or_default();
        let state = match expires_in {
            // It was made by a clock that ran ahead: nobody accepts it yet.
            _ if now < self.begins => State::Due,
            Duration::ZERO => State::Expired,
            left if left <= life / TROUBLE_AT => State::Trouble,
            left if left <= life / RENEWED_AT => State::Due,
            _ => State::Fresh,
        };
        Health { state, expires_in }
    }
}

/// Times before 1970 are as good as 1970: long over.
fn moment(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_fresh_then_due_then_trouble_then_over() {
        let day = |n: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(n * 86_400);
        let certificate =
            Certificate { name: None, hosts: Vec::new(), common_name: None, begins: day(0), ends: day(90) };
        let states = [0, 59, 60, 74, 75, 89, 90, 91].map(|n| certificate.health(day(n)).state);
        use State::{Due, Expired, Fresh, Trouble};
        assert_eq!(states, [Fresh, Fresh, Due, Due, Trouble, Trouble, Expired, Expired]);
        let ahead = Certificate { begins: day(40), ..certificate.clone() };
        assert_eq!(ahead.health(day(39)).state, Due);
        assert_eq!(certificate.health(day(89)).expires_in, Duration::from_secs(86_400));
    }
}

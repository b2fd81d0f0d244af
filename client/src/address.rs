//! Where an agent is: `http://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT`, or `unix:PATH` of its own socket or `data_dir`.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::error::Error;

/// What an agent's socket is called in its `data_dir`.
const SOCKET: &str = "hotseat.sock";

/// A checked address of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// What requests are made to.
    pub(crate) base: String,
    /// The socket to reach it through, if it is not the network.
    pub(crate) socket: Option<PathBuf>,
    /// As people wrote it.
    pub(crate) shown: String,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(Error::BadUrl(url.to_owned()));
            }
            let path = PathBuf::from(path);
            let path = if path.is_dir() { path.join(SOCKET) } else { path };
            let (base, shown) = (String::from("http://localhost"), format!("unix:{}", path.display()));
            return Ok(Self { base, socket: Some(path), shown });
        }
        let full = if url.contains("://") { String::from(url) } else { format!("http://{url}") };
        let base = full.trim_end_matches('/').to_owned();
        let parsed = reqwest::Url::parse(&base).ok();
        let fits = |it: reqwest::Url| ["http", "https"].contains(&it.scheme()) && it.host().is_some();
        if parsed.is_some_and(fits) {
            return Ok(Self { shown: base.clone(), base, socket: None });
        }
        Err(Error::BadUrl(url.to_owned()))
    }

    /// Whether nobody on the way can read what is said.
    pub(crate) fn is_private(&self) -> bool {
        let loopback = |host: &str| {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        };
        let host = reqwest::Url::parse(&self.base).ok().and_then(|url| url.host_str().map(loopback));
        self.is_encrypted() || self.socket.is_some() || host == Some(true)
    }

    /// Another agent of the cluster, reached in the same way: an agent's port speaks both.
    pub(crate) fn beside(&self, url: &str) -> Result<Self, Error> {
        let other = Self::parse(url)?;
        match other.base.strip_prefix("http://") {
            Some(rest) if self.is_encrypted() && other.socket.is_none() => Self::parse(&format!("https://{rest}")),
            Some(_) | None => Ok(other),
        }
    }

    fn is_encrypted(&self) -> bool {
        self.base.starts_with("https://")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_made_whole() {
        let check = |url: &str, base: &str, private| {
            let address = Address::parse(url).expect("an address");
            assert_eq!((address.base.as_str(), address.is_private()), (base, private), "{url}");
        };
        check("10.0.0.1:7700", "http://10.0.0.1:7700", false);
        check("http://10.0.0.1:7700/", "http://10.0.0.1:7700", false);
        check("https://n1:7700", "https://n1:7700", true);
        check("127.0.0.1:7700", "http://127.0.0.1:7700", true);
        check("http://[::1]:7700", "http://[::1]:7700", true);
        check("http://localhost:7700", "http://localhost:7700", true);
        check("http://localhost.example.org:7700", "http://localhost.example.org:7700", false);
        check("unix:/run/hotseat.sock", "http://localhost", true);
        for wrong in ["ftp://x", "http://", "unix:", "\u{0}"] {
            assert!(matches!(Address::parse(wrong), Err(Error::BadUrl(_))), "{wrong}");
        }
    }

    #[test]
    fn a_folder_stands_for_the_socket_in_it() {
        let folder = std::env::temp_dir();
        let address = Address::parse(&format!("unix:{}", folder.display())).expect("an address");
        assert_eq!(address.socket, Some(folder.join("hotseat.sock")));
        assert_eq!(address.shown, format!("unix:{}", folder.join("hotseat.sock").display()));
    }

    #[test]
    fn who_speaks_in_private_goes_on_so() {
        let check = |first: &str, next: &str, base: &str| {
            let first = Address::parse(first).expect("an address");
            assert_eq!(first.beside(next).expect("an address").base, base);
        };
        check("https://10.0.0.1:7700", "http://10.0.0.2:7700", "https://10.0.0.2:7700");
        check("http://10.0.0.1:7700", "http://10.0.0.2:7700", "http://10.0.0.2:7700");
        check("unix:/run/hotseat.sock", "10.0.0.2:7700", "http://10.0.0.2:7700");
    }
}

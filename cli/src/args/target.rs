//! Which agent a command speaks to, and how it is let in.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clap::Args;
use hotseat_client::{Access, Client};

use crate::commands::{Failed, explain};

/// The socket of this machine's agent, where its `data_dir` is the usual one.
const SOCKET: &str = "/var/lib/hotseat/hotseat.sock";

/// Where it listens if nothing else was said.
const URL: &str = "http://127.0.0.1:7700";

/// Far longer than a token, or a list of CAs.
const FILE_MAX: u64 = 1 << 20;

/// Which agent to speak to, and how it is let in.
#[derive(Args, Debug, Clone)]
pub(crate) struct Target {
    /// The agent to ask, as http://HOST:PORT, https://HOST:PORT or unix:DATA_DIR; HOTSEAT_URL, or this machine's, otherwise
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// A file that holds a token to show; HOTSEAT_TOKEN_FILE otherwise. HOTSEAT_TOKEN may hold one itself
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The CA that the agent's certificate leads to, in PEM; the cluster's own is data_dir/tls/ca.pem. HOTSEAT_CA otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Show the token even where everybody on the way can read it
    #[arg(long)]
    pub(crate) plain: bool,
}

impl Target {
    /// A client for that agent.
    pub(crate) fn client(&self) -> Result<Client, Failed> {
        let named = self.url.clone().or_else(|| std::env::var("HOTSEAT_URL").ok());
        let url = named.unwrap_or_else(|| here(Path::new(SOCKET)));
        Client::with(&url, self.access()?).map_err(explain)
    }

    /// Another agent, which lets us in by the same.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { url: Some(url.to_owned()), ..self.clone() }
    }

    fn access(&self) -> Result<Access, Failed> {
        let mut access = Access::default();
        if let Some(token) = self.token()? {
            access = access.token(&token);
        }
        if let Some(ca) = self.ca.clone().or_else(|| file("HOTSEAT_CA")) {
            access = access.ca(&read(&ca)?).map_err(|error| Failed::new(format!("--ca {}: {error}", ca.display())))?;
        }
        Ok(if self.plain { access.in_the_clear() } else { access })
    }

    /// Never from the command line, which everybody on this machine can read.
    fn token(&self) -> Result<Option<String>, Failed> {
        let Some(file) = self.token_file.clone().or_else(|| file("HOTSEAT_TOKEN_FILE")) else {
            return Ok(std::env::var("HOTSEAT_TOKEN").ok());
        };
        let text = String::from_utf8(read(&file)?).ok().filter(|text| !text.trim().is_empty());
        text.map(Some).ok_or_else(|| Failed::new(format!("--token-file {}: no token is in there", file.display())))
    }
}

/// Variables are not clap's to read: it would show what they set as if it had to be given.
fn file(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| Failed::new(format!("{}: {error}", path.display())))
}

/// This machine's agent: through its socket, if it is there and lets us.
fn here(socket: &Path) -> String {
    match UnixStream::connect(socket) {
        Ok(_) => format!("unix:{}", socket.display()),
        Err(_) => URL.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_taken_when_somebody_answers_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hotseat.sock");
        assert_eq!(here(&path), URL);
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        assert_eq!(here(&path), format!("unix:{}", path.display()));
        drop(listener);
        assert_eq!(here(&path), URL, "an agent that was killed leaves its socket");
    }
}

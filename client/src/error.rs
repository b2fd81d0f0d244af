//! What can go wrong when an agent is asked, by what the caller can do about it.

use std::fmt;

use crate::wire::Refusal;

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// The address is no `http://HOST:PORT`.
    BadUrl(String),
    /// The token or the CA cannot be used; says why.
    BadAccess(String),
    /// A token would have gone there for everybody to read, and was not sent.
    InTheClear(String),
    /// Nobody answers there, and nothing was sent: try another member.
    Unreachable(String, String),
    /// The answer did not come: what was asked for may have been done, or not.
    Unanswered(String, String),
    /// The agent refused, and says why.
    Refused(Refusal),
    /// The answer is not what an agent says.
    NotAnAgent(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl(url) => {
                write!(f, "\"{url}\" is not an agent's address: use http://HOST:PORT, https://HOST:PORT or unix:PATH")
            }
            Self::BadAccess(why) => f.write_str(why),
            Self::InTheClear(url) => {
                write!(f, "the token was not sent to {url}: everybody on the way could read it; use https://")
            }
            Self::Unreachable(url, why) => write!(f, "no agent answers at {url}: {why}"),
            Self::Unanswered(url, why) => write!(f, "the agent at {url} did not answer: {why}"),
            Self::Refused(refusal) => match &refusal.leader {
                Some(leader) => write!(f, "{} (the leader is at {leader})", refusal.error),
                None => f.write_str(&refusal.error),
            },
            Self::NotAnAgent(what) => write!(f, "that is not a hotseat agent: {what}"),
        }
    }
}

impl std::error::Error for Error {}

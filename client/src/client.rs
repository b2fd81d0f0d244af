//! The client: one agent, asked over HTTP.

use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

use crate::access::Access;
use crate::address::Address;
use crate::error::Error;
use crate::wire::story::Story;
use crate::wire::{
    Act, Acted, Alerts, Cluster, Difference, Dismiss, Dismissed, Event, Invitation, Invite, Push, Pushed, Refusal,
    Remove, Roll, Rollback, Switchover, Sync, SyncVersion, TakeBack, TestAlert, TestedAlert,
};

/// An agent answers from memory; who takes longer is not well.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Receivers of alerts are somebody else's; each has at most two minutes.
const RECEIVERS_MAX: Duration = Duration::from_secs(130);

/// Longest answer read, in bytes.
const ANSWER_MAX: usize = 16 << 20;

/// A handle on one agent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    access: Access,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
}

impl Client {
    /// For the agent at `url`, as `http://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT`, or `unix:PATH` of its socket.
    ///
    /// # Errors
    /// [`Error::BadUrl`].
    pub fn new(url: &str) -> Result<Self, Error> {
        Self::with(url, Access::default())
    }

    /// The same, with a token to show or a CA to know the agent by.
    ///
    /// # Errors
    /// [`Error::BadUrl`]; [`Error::InTheClear`] when a token would be for everybody to read; [`Error::BadAccess`].
    pub fn with(url: &str, access: Access) -> Result<Self, Error> {
        let address = Address::parse(url)?;
        let http = connect(&address, &access)?;
        Ok(Self { base: address.base.clone(), address, access, http })
    }

    /// For another agent of the same cluster, with the same token and CA; encrypted if this one is.
    ///
    /// # Errors
    /// As for [`Client::with`].
    pub fn beside(&self, url: &str) -> Result<Self, Error> {
        let (address, access) = (self.address.beside(url)?, self.access.clone());
        // The same pool of connections, where what is shown and where it may go are the same.
        let alike = self.address.socket.is_none() && address.socket.is_none();
        let shared = alike && self.address.is_private() == address.is_private();
        let http = if shared { self.http.clone() } else { connect(&address, &access)? };
        Ok(Self { base: address.base.clone(), address, access, http })
    }

    /// The agent's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address.shown
    }

    /// What this agent knows of its cluster.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn cluster(&self) -> Result<Cluster, Error> {
        self.get("/api/cluster").await
    }

    /// What happened, oldest first; only what came after the event of this number.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn events(&self, after: u64) -> Result<Vec<Event>, Error> {
        self.get(&format!("/api/events?after={after}")).await
    }

    /// Events as they happen, from the oldest kept on. Ends when the agent does.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn follow(&self) -> Result<impl Stream<Item = Event> + use<>, Error> {
        self.follow_after(0).await
    }

    /// The same from the event after this number on. An agent that is started anew goes on with its numbers.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn follow_after(&self, after: u64) -> Result<impl Stream<Item = Event> + use<>, Error> {
        self.stream(&format!("/api/events?after={after}")).await
    }

    /// The way to a group's leader, as this agent knows it: of the cluster only what has to do with that, and no more than
    /// needs no token.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn way(&self, group: &str) -> Result<Cluster, Error> {
        self.get(&format!("/api/groups/{group}/way")).await
    }

    /// Word that the way may have changed. Ends when the agent does.
    pub(crate) async fn news(&self, group: &str) -> Result<impl Stream<Item = Event> + use<>, Error> {
        self.stream(&format!("/api/groups/{group}/way")).await
    }

    /// The story of a group: its changes of leader, of one epoch or all that are kept, and how it is now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn story(&self, group: &str, epoch: Option<u64>) -> Result<Story, Error> {
        let only = epoch.map_or_else(String::new, |epoch| format!("?epoch={epoch}"));
        self.get(&format!("/api/groups/{group}/story{only}")).await
    }

    /// Starts a planned change of leader. It is under way when this returns.
    ///
    /// # Errors
    /// [`Error::Refused`] says why, and where the leader is.
    pub async fn switchover(&self, group: &str, to: Option<&str>) -> Result<(), Error> {
        let body = Switchover { to: to.map(str::to_owned), ..Switchover::default() };
        self.post::<serde_json::Value>(&format!("/api/groups/{group}/switchover"), &body).await.map(drop)
    }

    /// Asks for an act upon a group: `pause`, `resume`, `pin`, `unpin`, `mode`, `priority`, `switchover`. Any agent takes
    /// it. After [`Error::Unanswered`] it may have been taken, and may be asked for again.
    ///
    /// # Errors
    /// [`Error::Refused`] says why, and whether it may be granted later.
    pub async fn act(&self, group: &str, what: &str, body: &impl serde::Serialize) -> Result<Acted, Error> {
        self.post(&format!("/api/groups/{group}/{what}?redirect=no"), body).await
    }

    /// The newest acts upon a group, oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn acts(&self, group: &str) -> Result<Vec<Act>, Error> {
        self.get(&format!("/api/groups/{group}/acts")).await
    }

    /// Takes dead nodes out of their groups.
    ///
    /// # Errors
    /// [`Error::Refused`] says why.
    pub async fn dismiss(&self, which: &Dismiss) -> Result<Dismissed, Error> {
        self.post("/api/nodes/remove", which).await
    }

    /// What is known of a group's files that are the same on all members.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn sync(&self, group: &str) -> Result<Sync, Error> {
        self.get(&format!("/api/groups/{group}/sync")).await
    }

    /// Where one of these files differs.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn differences(&self, group: &str, path: &str) -> Result<Vec<Difference>, Error> {
        let url = format!("{}/api/groups/{group}/drift", self.base);
        let url = reqwest::Url::parse_with_params(&url, [("path", path)]).map_err(|_| Error::BadUrl(url))?;
        let request = self.http.get(url).timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    /// Has the leader send the files that it has, differences and all. It does so in a moment.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn push(&self, group: &str, reason: Option<String>) -> Result<Pushed, Error> {
        self.post(&format!("/api/groups/{group}/sync/push"), &Push { reason }).await
    }

    /// Brings an earlier version of the files back, as a new one: that one. Members put it in place in a moment.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn roll_back(&self, group: &str, to: u64, reason: Option<String>) -> Result<SyncVersion, Error> {
        self.post(&format!("/api/groups/{group}/sync/rollback"), &Rollback { to, reason }).await
    }

    /// Who belongs to the cluster, where the agents themselves are the store.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn members(&self) -> Result<Roll, Error> {
        self.get("/api/members").await
    }

    /// A line that lets one more node in, for so long.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn invite(&self, good: Duration) -> Result<Invitation, Error> {
        self.post("/api/members/invite", &Invite { good_s: good.as_secs() }).await
    }

    /// What this push has asked for is not to be sent any more.
    ///
    /// # Errors
    /// See [`Error`]; among them that it has been sent.
    pub async fn take_back(&self, group: &str, act: u64) -> Result<TakeBack, Error> {
        self.post(&format!("/api/groups/{group}/sync/take-back"), &TakeBack { act }).await
    }

    /// Takes a node out of the cluster, for good. It is under way when this returns.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove(&self, node: &str) -> Result<(), Error> {
        self.post::<serde_json::Value>("/api/members/remove", &Remove { node: node.to_owned() }).await.map(drop)
    }

    /// Where alerts go from this agent, and what the cluster has said.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn alerts(&self) -> Result<Alerts, Error> {
        self.get("/api/alerts").await
    }

    /// Sends a test to the `[[alert]]` of this name, or to all of the agent's; what their receivers say.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn test_alert(&self, name: Option<&str>) -> Result<Vec<TestedAlert>, Error> {
        let body = TestAlert { name: name.map(str::to_owned) };
        self.post_within("/api/alerts/test", &body, RECEIVERS_MAX).await
    }

    /// The cluster's own state, whole, as `hotseat snapshot restore` takes it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let request = self.http.get(format!("{}/api/snapshot", self.base)).timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = self.body(response).await?;
        if status.is_success() { Ok(body) } else { Err(self.refused(status, &body)) }
    }

    /// Whatever an agent tells one by one.
    pub(crate) async fn stream<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = T> + use<T>, Error> {
        let request = self.http.get(format!("{}{path}", self.base)).header("accept", "text/event-stream");
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(status, &self.body(response).await?));
        }
        let chunks = response.bytes_stream().map_err(|_| ());
        Ok(lines(chunks)
            .filter_map(|line| async move { serde_json::from_str(line.strip_prefix("data:")?.trim()).ok() }))
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl serde::Serialize) -> Result<T, Error> {
        self.post_within(path, body, TIMEOUT).await
    }

    async fn post_within<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
        limit: Duration,
    ) -> Result<T, Error> {
        let request = self.http.post(format!("{}{path}", self.base)).json(body).timeout(limit);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let request = self.http.delete(format!("{}{path}", self.base)).timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let request = self.http.get(format!("{}{path}", self.base)).timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.read(response).await
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, response: reqwest::Response) -> Result<T, Error> {
        let status = response.status();
        let body = self.body(response).await?;
        if status.is_success() {
            let strange = |_| Error::NotAnAgent(format!("what {} answered is not what an agent says", self.url()));
            return serde_json::from_slice(&body).map_err(strange);
        }
        Err(self.refused(status, &body))
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(Error::NotAnAgent(format!("its answer is longer than {ANSWER_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refused(&self, status: reqwest::StatusCode, body: &[u8]) -> Error {
        match serde_json::from_slice::<Refusal>(body) {
            Ok(refusal) => Error::Refused(refusal),
            Err(_) => Error::NotAnAgent(format!("{} answered {status}", self.url())),
        }
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Error {
        let mut why: &dyn std::error::Error = error;
        while let Some(source) = why.source() {
            why = source;
        }
        let (url, why) = (self.address.shown.clone(), why.to_string());
        if error.is_connect() { Error::Unreachable(url, why) } else { Error::Unanswered(url, why) }
    }
}

fn connect(address: &Address, access: &Access) -> Result<reqwest::Client, Error> {
    // Where an act belongs is told to the caller, who knows which agents to trust; nothing is sent anywhere else.
    let apart = reqwest::redirect::Policy::none();
    let mut builder = reqwest::Client::builder().no_proxy().redirect(apart).connect_timeout(TIMEOUT);
    if let Some(socket) = &address.socket {
        builder = builder.unix_socket(socket.as_path());
    }
    if let Some(shown) = access.header(&address.shown, address.is_private())? {
        let mut shown = HeaderValue::try_from(shown).map_err(|error| Error::BadAccess(error.to_string()))?;
        shown.set_sensitive(true);
        builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, shown)]));
    }
    access.trust(builder).build().map_err(|error| Error::BadAccess(error.to_string()))
}

/// Cuts a stream of bytes into lines.
pub(crate) fn lines<B: AsRef<[u8]>>(chunks: impl Stream<Item = Result<B, ()>>) -> impl Stream<Item = String> {
    let cut = chunks.scan(Vec::new(), |rest: &mut Vec<u8>, chunk| {
        let mut whole = Vec::new();
        if let Ok(chunk) = chunk {
            for byte in chunk.as_ref() {
                match byte {
                    b'\n' => whole.push(String::from_utf8_lossy(&std::mem::take(rest)).into_owned()),
                    byte if rest.len() < ANSWER_MAX => rest.push(*byte),
                    _ => {}
                }
            }
        }
        std::future::ready(Some(futures_util::stream::iter(whole)))
    });
    cut.flatten()
}

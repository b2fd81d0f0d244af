//! Joining a cluster: the new node's side.
//!
//! With a token it knows one thing for certain, the fingerprint of the cluster's CA. Only a server that shows a
//! certificate of that CA is shown the token's secret; and only a member that finds the secret good certifies the node's
//! key. Where somebody else makes the certificates there is no token: both sides show theirs.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hotseat_core::NodeName;
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::dial::{nameless, said};
use super::error::{LinkError, text};
use super::frame::{self, Frame, Kind};
use super::{Peer, socket};
use crate::identity::{
    Authority, Claim, Folder, Identity, IdentityError, NodeKey, Token, TokenError, come_client, join_client,
};

/// The longest answer: certificates, the members, and a configuration.
pub(super) const ANSWER_MAX: usize = 2 * 1024 * 1024;

/// For one member to let us in. It may have to wait for the log.
const ASKING_MAX: Duration = Duration::from_secs(30);

/// What a new node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinAsk {
    /// The name it wants to have.
    pub name: NodeName,
    /// Its id: random, made once, kept in `data_dir`.
    pub id: u64,
    /// Where the others are to find it, as `host:port`.
    pub address: String,
    /// Whether it only votes. A witness is not given the CA's key.
    pub witness: bool,
    /// Of its program.
    pub version: String,
}

/// What a new node is given.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The cluster it is in now.
    pub cluster: NodeName,
    /// Who else is in the cluster.
    pub members: Vec<Peer>,
    /// The cluster's part of a configuration, if there is one to be shared.
    pub config: Option<String>,
    /// For whoever came with a token.
    pub(super) credentials: Option<Credentials>,
}

/// What the cluster's CA gives to a node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Credentials {
    pub(super) ca_pem: String,
    pub(super) cert_pem: String,
    /// The CA's key and the join key; not for witnesses.
    pub(super) keys: Option<(String, String)>,
}

impl Joined {
    /// Puts what was given into `data_dir/tls`, beside the key that it was asked for with. Nothing is given to whoever
    /// came with a certificate.
    ///
    /// # Errors
    /// When a file cannot be written, or what was given does not fit together: then nothing is written.
    pub fn install(&self, folder: &Folder, key: &NodeKey) -> Result<(), IdentityError> {
        let Some(Credentials { ca_pem, cert_pem, keys }) = &self.credentials else { return Ok(()) };
        let keys = keys.as_ref();
        let authority = keys.map(|(ca, join)| Authority::from_parts(&self.cluster, ca_pem, ca, join));
        folder.install(ca_pem, authority.transpose()?.as_ref(), key, cert_pem)
    }

    /// Whether it came with the keys to let others in.
    #[must_use]
    pub fn may_invite(&self) -> bool {
        self.credentials.as_ref().is_some_and(|given| given.keys.is_some())
    }
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joined({} with {:?} …)", self.cluster, self.members)
    }
}

/// What goes over the line.
#[derive(Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) cluster: NodeName,
    pub(super) grounds: Grounds,
    pub(super) ask: JoinAsk,
}

/// On what grounds a node is to be let in.
#[derive(Serialize, Deserialize)]
pub(super) enum Grounds {
    /// It has a token, and what [`NodeKey::request`] gave.
    Token(Claim, String),
    /// The certificate it shows.
    Certificate,
}

/// What comes back.
#[derive(Serialize, Deserialize)]
pub(super) enum Verdict {
    Welcome(Box<Joined>),
    /// No member would say otherwise.
    Refused(String),
    /// Another member, or the same one later, may say otherwise.
    Busy(String),
}

/// Why a node did not join. In every case nothing has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// The token cannot be used.
    Token(TokenError),
    /// This node's own key or certificate cannot be used, and why.
    Own(String),
    /// A member says no: at which address, and why.
    Refused(String, String),
    /// No member could be asked: each address, and why.
    Nobody(Vec<(String, String)>),
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(why) => why.fmt(f),
            Self::Own(why) => write!(f, "this node cannot ask to be let in: {why}"),
            Self::Refused(address, why) => write!(f, "the member at {address} does not let this node in: {why}"),
            Self::Nobody(tried) => {
                f.write_str("none of the members could be asked:")?;
                tried.iter().try_for_each(|(address, why)| write!(f, "\n  {address}: {why}"))
            }
        }
    }
}

impl std::error::Error for JoinError {}

/// Asks the members in the token, one after the other, to be let in and to have this key certified.
///
/// # Errors
/// [`JoinError`], which says what to do.
pub async fn join(token: &Token, key: &NodeKey, ask: &JoinAsk) -> Result<Joined, JoinError> {
    token.good(SystemTime::now()).map_err(JoinError::Token)?;
    let request = key.request().map_err(|why| JoinError::Own(why.to_string()))?;
    let grounds = Grounds::Token(Claim::from(token), request);
    let question = Question { cluster: token.cluster.clone(), grounds, ask: ask.clone() };
    let config = join_client(token.ca).map_err(|why| JoinError::Own(why.to_string()))?;
    ask_all(&token.addresses, config, &question).await
}

/// Asks the members at these addresses, one after the other, to let this node in on the strength of its certificate.
///
/// # Errors
/// [`JoinError`], which says what to do.
pub async fn come(own: &Identity, addresses: &[String], ask: &JoinAsk) -> Result<Joined, JoinError> {
    let tls = own.tls().ok_or_else(|| JoinError::Own("it has no certificate".to_owned()))?;
    let question = Question { cluster: own.name().cluster.clone(), grounds: Grounds::Certificate, ask: ask.clone() };
    ask_all(addresses, come_client(&tls.peers_client), &question).await
}

async fn ask_all(addresses: &[String], config: ClientConfig, question: &Question) -> Result<Joined, JoinError> {
    let words = postcard::to_stdvec(question).expect("a question has nothing that cannot be written");
    let (config, mut tried) = (Arc::new(config), Vec::new());
    for address in addresses {
        let late = |_| LinkError::Unreachable("it takes too long".to_owned());
        match timeout(ASKING_MAX, ask_one(Arc::clone(&config), address, &words)).await.map_err(late) {
            Ok(Ok(Verdict::Welcome(joined))) if joined.cluster == question.cluster => return Ok(*joined),
            Ok(Ok(Verdict::Welcome(joined))) => {
                tried.push((address.clone(), format!("it answers for the cluster \"{}\"", joined.cluster)));
            }
            Ok(Ok(Verdict::Refused(why))) => return Err(JoinError::Refused(address.clone(), said(why.as_bytes()))),
            Ok(Ok(Verdict::Busy(why))) => tried.push((address.clone(), said(why.as_bytes()))),
            Ok(Err(why)) | Err(why) => tried.push((address.clone(), why.to_string())),
        }
    }
    Err(JoinError::Nobody(tried))
}

async fn ask_one(config: Arc<ClientConfig>, address: &str, question: &[u8]) -> Result<Verdict, LinkError> {
    let stream = socket::connect(address).await?;
    socket::prepare(&stream, ASKING_MAX)?;
    let mut stream = TlsConnector::from(config).connect(nameless(), stream).await?;
    stream.write_all(&Frame::new(Kind::Request, question.to_vec()).bytes()).await?;
    stream.flush().await?;
    let answer = frame::read(&mut BufReader::new(stream), ANSWER_MAX).await;
    let answer = answer.map_err(|why| LinkError::Unreachable(text(&why)))?;
    let unclear = |_| LinkError::Refused("its answer is not understood: it may be of another version".to_owned());
    postcard::from_bytes(&answer.body).map_err(unclear)
}

/// A certificate is worth something only with the key it was asked for with.
#[must_use]
pub(super) fn ours(own: &Identity, cert_pem: &str, key: &NodeKey) -> bool {
    key.is_in(cert_pem).is_some_and(|fresh| fresh.name.as_ref() == Some(own.name()))
}

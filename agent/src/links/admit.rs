//! Letting a new node in: the member's side. The connection can do nothing else, and is over after one question.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::error::text;
use super::frame::{self, Frame, Kind};
use super::join::{ANSWER_MAX, Credentials, Grounds, JoinAsk, Joined, Question, Verdict};
use super::shared::Shared;
use crate::identity::{Certificate, Claim, Identity, NodeSeat};

/// The longest question: a request for a certificate, names and an address.
const QUESTION_MAX: usize = 16 * 1024;

/// For the question to arrive, and for the answer to be taken.
const WORDS_MAX: Duration = Duration::from_secs(5);

/// For the cluster to take the node in.
const DECISION_MAX: Duration = Duration::from_secs(20);

/// The longest address, a host name and a port, and the longest version.
const TEXT_MAX: usize = 260;

/// `shown` is the certificate of whoever comes with one.
pub(super) async fn admit(
    shared: &Arc<Shared>,
    identity: &Identity,
    stream: TlsStream<TcpStream>,
    shown: Option<Certificate>,
    remote: SocketAddr,
) {
    let mut stream = BufReader::new(stream);
    let question = timeout(WORDS_MAX, frame::read(&mut stream, QUESTION_MAX)).await;
    let verdict = match question {
        Ok(Ok(frame)) if frame.kind == Kind::Request => {
            judge(shared, identity, &frame.body, shown.as_ref(), remote).await
        }
        Ok(Ok(_)) => return shared.complain(|| format!("{remote} does not ask as a new node does")),
        Ok(Err(why)) => return shared.complain(|| format!("{remote} wanted to join: {}", text(&why))),
        Err(_) => return shared.complain(|| format!("{remote} wanted to join, and asks nothing")),
    };
    if let Verdict::Refused(why) | Verdict::Busy(why) = &verdict {
        shared.complain(|| format!("{remote} may not join: {why}"));
    }
    let answer = async {
        stream.write_all(&Frame::new(Kind::Answer, written(&verdict)).bytes()).await?;
        stream.shutdown().await
    };
    // Whoever does not take the answer asks again.
    drop(timeout(WORDS_MAX, answer).await);
}

fn written(verdict: &Verdict) -> Vec<u8> {
    let write = |it: &Verdict| postcard::to_stdvec(it).expect("a verdict has nothing that cannot be written");
    let bytes = write(verdict);
    if bytes.len() <= ANSWER_MAX {
        return bytes;
    }
    write(&Verdict::Refused(format!("what it would be given has {} bytes, which is too long", bytes.len())))
}

async fn judge(
    shared: &Shared,
    identity: &Identity,
    question: &[u8],
    shown: Option<&Certificate>,
    remote: SocketAddr,
) -> Verdict {
    let Some(_place) = shared.gate.join() else {
        return Verdict::Busy("too many nodes want to join at once: try again in a moment".to_owned());
    };
    let Ok(Question { cluster, grounds, ask }) = postcard::from_bytes(question) else {
        return Verdict::Refused("its question is not understood: it may be of another version".to_owned());
    };
    if cluster != identity.name().cluster {
        return Verdict::Refused(format!(
            "this node wants to come to the cluster \"{cluster}\", and this is \"{}\"",
            identity.name().cluster
        ));
    }
    match welcome(shared, identity, &grounds, shown, ask, remote).await {
        Ok(joined) => Verdict::Welcome(Box::new(joined)),
        Err(verdict) => verdict,
    }
}

/// The key is certified before the cluster is asked: what cannot be certified is never a member.
async fn welcome(
    shared: &Shared,
    identity: &Identity,
    grounds: &Grounds,
    shown: Option<&Certificate>,
    ask: JoinAsk,
    remote: SocketAddr,
) -> Result<Joined, Verdict> {
    if ask.address.len() > TEXT_MAX || ask.version.len() > TEXT_MAX {
        return Err(Verdict::Refused("its address or version is far too long".to_owned()));
    }
    if shared.removed.borrow().contains(&ask.id) {
        let why = format!("the id {:x} was removed from this cluster: begin with an empty data_dir", ask.id);
        return Err(Verdict::Refused(why));
    }
    let credentials = match (grounds, shown) {
        (Grounds::Token(claim, request), None) => Some(certify(identity, claim, request, &ask)?),
        (Grounds::Certificate, Some(shown)) => entitled(identity, shown, &ask).map(|()| None)?,
        (Grounds::Token(..), Some(_)) | (Grounds::Certificate, None) => {
            return Err(Verdict::Refused("it asks in one way and comes in the other".to_owned()));
        }
    };
    let late = |_| Verdict::Busy("the cluster has not decided in time: try again".to_owned());
    let admission = timeout(DECISION_MAX, shared.handler.join(ask, remote)).await.map_err(late)?;
    let admission = admission.map_err(Verdict::Refused)?;
    Ok(Joined {
        cluster: identity.name().cluster.clone(),
        members: admission.members,
        config: admission.config,
        credentials,
    })
}

/// A certificate for whoever has a token.
fn certify(identity: &Identity, claim: &Claim, request: &str, ask: &JoinAsk) -> Result<Credentials, Verdict> {
    let refused = |why: &dyn fmt::Display| Verdict::Refused(why.to_string());
    let Some(authority) = identity.authority() else {
        return Err(Verdict::Busy("this member cannot let nodes in".to_owned()));
    };
    authority.admits(claim, SystemTime::now()).map_err(|why| refused(&why))?;
    let hosts = [host(&ask.address).to_owned()];
    let node = NodeSeat { name: &ask.name, id: ask.id, hosts: &hosts };
    let cert_pem = authority.sign(&node, request, SystemTime::now()).map_err(|why| refused(&why))?;
    let keys = (!ask.witness).then(|| (authority.ca_key_pem(), authority.join_key()));
    Ok(Credentials { ca_pem: authority.ca_pem().to_owned(), cert_pem, keys })
}

/// Whether a certificate that somebody else made is enough. With a CA of the cluster's own it is not: there, who has a
/// certificate is on the roll already, and who is not needs a token.
fn entitled(identity: &Identity, shown: &Certificate, ask: &JoinAsk) -> Result<(), Verdict> {
    if identity.authority().is_some() || shown.name.is_some() {
        return Err(Verdict::Refused("this cluster makes its own certificates: come with a token".to_owned()));
    }
    if !shown.speaks_for(&ask.name) {
        let why = format!("its certificate is for {}, and it wants to be node \"{}\"", shown.says(), ask.name);
        return Err(Verdict::Refused(why));
    }
    Ok(())
}

/// The host in `host:port`, without the brackets of IPv6.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host)
}

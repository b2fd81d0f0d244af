//! Going to another node: TCP, TLS, and the first words.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connection::{Connection, Role, Wire};
use super::error::LinkError;
use super::frame::{self, Frame, Kind};
use super::hello::HELLO_MAX;
use super::meet::{Door, Met, Stranger};
use super::shared::Shared;
use super::{Lane, PLAIN, Peer, socket};
use crate::identity::{ALPN_PEERS, Certificate, Identity, Tls};

/// TLS and the first words: a few round trips, and the work of a busy machine.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// Nodes are known by the URI in their certificates, so this is neither sent nor looked at.
const NAMELESS: &str = "node.hotseat.invalid";

pub(super) type Reader = BufReader<ReadHalf<Box<dyn Wire>>>;
pub(super) type Writer = WriteHalf<Box<dyn Wire>>;

/// Connects to a node; the connection lives in a task of its own from then on.
pub(super) async fn dial(shared: &Arc<Shared>, to: &Peer, lane: Lane) -> Result<Arc<Connection>, LinkError> {
    let place = |what: &str| format!("node \"{}\" at {}: {what}", to.name, to.address);
    let met = meet(shared, to, lane).await.map_err(|why| match why {
        LinkError::Refused(why) => LinkError::Refused(place(&why)),
        LinkError::Removed(why) => LinkError::Removed(place(&why)),
        other => LinkError::Unreachable(place(&other.to_string())),
    });
    let (met, reader, writer) = met?;
    let connection = Connection::new(met, shared.closing.child_token(), lane.silence(shared.limits.silence));
    let role = Role::Asks(Arc::clone(&shared.handler));
    tokio::spawn(Arc::clone(&connection).run(reader, writer, role, shared.removed.clone()));
    Ok(connection)
}

async fn meet(shared: &Shared, to: &Peer, lane: Lane) -> Result<(Met, Reader, Writer), LinkError> {
    let identity = Arc::clone(&shared.identity.borrow());
    let stream = socket::connect(&to.address).await?;
    socket::prepare(&stream, lane.silence(shared.limits.silence))?;
    let shaking = async {
        let (wire, shown) = match identity.tls() {
            Some(tls) => encrypt(tls, stream).await?,
            None => (plain(stream).await?, None),
        };
        let (mut reader, mut writer) = halves(wire);
        if let Some(shown) = &shown {
            expected(&identity, to, shown)?;
        }
        let hello = shared.hello(&identity, lane);
        writer.write_all(&Frame::new(Kind::Hello, hello.encode(&shared.limits.speaks)).bytes()).await?;
        writer.flush().await?;
        let met = answer(shared, &identity, to, shown, &mut reader).await?;
        Ok((met, reader, writer))
    };
    let late = |_| LinkError::Unreachable("it took the connection, and then does not answer".to_owned());
    timeout(HANDSHAKE_MAX, shaking).await.map_err(late)?
}

pub(super) fn halves(wire: Box<dyn Wire>) -> (Reader, Writer) {
    let (reader, writer) = split(wire);
    (BufReader::new(reader), writer)
}

async fn encrypt(tls: &Tls, stream: TcpStream) -> Result<(Box<dyn Wire>, Option<Certificate>), LinkError> {
    let connector = TlsConnector::from(Arc::clone(&tls.peers_client));
    let stream = connector.connect(nameless(), stream).await?;
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(ALPN_PEERS) {
        return Err(LinkError::Refused("it speaks TLS, but not as a node does".to_owned()));
    }
    let shown = read_shown(session.peer_certificates())?;
    Ok((Box::new(stream), Some(shown)))
}

pub(super) fn nameless() -> ServerName<'static> {
    ServerName::try_from(NAMELESS).expect("this is a name")
}

/// The certificate that the other side showed, and that TLS found good.
pub(super) fn read_shown(chain: Option<&[CertificateDer<'_>]>) -> Result<Certificate, LinkError> {
    let leaf = chain.and_then(<[_]>::first).ok_or_else(|| LinkError::Refused("it shows no certificate".to_owned()))?;
    Certificate::read(leaf, "its certificate").map_err(|why| LinkError::Refused(why.to_string()))
}

async fn plain(mut stream: TcpStream) -> Result<Box<dyn Wire>, LinkError> {
    if !loopback(&stream)? {
        let why = "links without TLS go to loopback only: give both nodes certificates";
        return Err(LinkError::Refused(why.to_owned()));
    }
    stream.write_all(PLAIN).await?;
    Ok(Box::new(stream))
}

/// Whether both ends are on this machine's loopback.
pub(super) fn loopback(stream: &TcpStream) -> io::Result<bool> {
    Ok(stream.local_addr()?.ip().to_canonical().is_loopback() && stream.peer_addr()?.ip().to_canonical().is_loopback())
}

/// Before a word is said: is it the node that is meant?
fn expected(own: &Identity, to: &Peer, shown: &Certificate) -> Result<(), LinkError> {
    let refuse = |what: String| Err(LinkError::Refused(what));
    match &shown.name {
        Some(name) if name.cluster != own.name().cluster => {
            refuse(Stranger::Cluster(name.cluster.clone(), own.name().cluster.clone()).to_string())
        }
        Some(name) if (&name.node, name.id) != (&to.name, to.id) => {
            refuse(format!("there is node \"{}\" with the id {:x}, and not the id {:x}", name.node, name.id, to.id))
        }
        None if !shown.speaks_for(&to.name) => refuse(format!("its certificate is for {}", shown.says())),
        Some(_) | None => Ok(()),
    }
}

async fn answer(
    shared: &Shared,
    own: &Identity,
    to: &Peer,
    shown: Option<Certificate>,
    reader: &mut Reader,
) -> Result<Met, LinkError> {
    let frame = frame::read(reader, HELLO_MAX).await?;
    match frame.kind {
        Kind::Hello => {
            let removed = Arc::clone(&shared.removed.borrow());
            let door = Door { own, shown: shown.as_ref(), speaks: &shared.limits.speaks, removed: &removed };
            let met = door.pass(&frame.body, |_, _| true).map_err(|why| LinkError::Refused(why.to_string()))?;
            if (&met.peer.name, met.peer.id) == (&to.name, to.id) {
                return Ok(met);
            }
            let (name, id) = (met.peer.name, met.peer.id);
            Err(LinkError::Refused(format!("there is node \"{name}\" with the id {id:x}, and not the id {:x}", to.id)))
        }
        Kind::Refusal => Err(LinkError::Refused(format!("it refuses: {}", said(&frame.body)))),
        Kind::Removed => Err(LinkError::Removed(format!("it refuses: {}", said(&frame.body)))),
        _ => Err(LinkError::Refused("it does not answer as a node does".to_owned())),
    }
}

/// What another program says, fit for a log: one line without control characters.
pub(super) fn said(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

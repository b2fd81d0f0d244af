//! Who comes to us: told apart by the first byte, then by certificate and hello. Nobody gets anything before that, and
//! each step has its time.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use super::connection::{Connection, Role, Wire};
use super::dial::{Reader, Writer, halves, loopback, read_shown};
use super::error::text;
use super::frame::{self, Frame, Kind};
use super::hello::HELLO_MAX;
use super::meet::{Door, Met};
use super::shared::Shared;
use super::{PLAIN, admit, socket};
use crate::identity::{ALPN_COME, ALPN_JOIN, ALPN_PEERS, Certificate, Identity, Tls};

/// For the first byte: a client that connects and says nothing is not waited for.
const FIRST_BYTE_MAX: Duration = Duration::from_secs(5);

/// For TLS.
const TLS_MAX: Duration = Duration::from_secs(5);

/// For the hello, and for our answer to it.
const GREETING_MAX: Duration = Duration::from_secs(5);

/// What the first byte of a TLS connection is: a handshake record.
const TLS_FIRST: u8 = 0x16;

/// What a connection is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// TLS: another node, or somebody for the API.
    Tls,
    /// A link without TLS.
    Plain,
    /// Anything else: HTTP, or what HTTP has an answer for.
    Http,
}

impl Speaks {
    /// By its first byte. No method of HTTP begins like ours.
    #[must_use]
    pub const fn of(first: u8) -> Self {
        match first {
            TLS_FIRST => Self::Tls,
            first if first == PLAIN[0] => Self::Plain,
            _ => Self::Http,
        }
    }

    /// Looks at the first byte of a connection, and leaves it there.
    ///
    /// # Errors
    /// When the client has gone, or says nothing for five seconds.
    pub async fn ask(stream: &TcpStream) -> io::Result<Self> {
        let mut first = [0];
        let silent = |_| io::Error::new(io::ErrorKind::TimedOut, "it says nothing");
        match timeout(FIRST_BYTE_MAX, stream.peek(&mut first)).await.map_err(silent)?? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(Self::of(first[0])),
        }
    }
}

/// Who speaks HTTP through TLS: somebody for the API.
pub type Visitor = Box<TlsStream<TcpStream>>;

/// Somebody who has shown what they are.
enum Guest {
    Peer(Met, Reader, Writer),
    /// With the certificate it shows, if somebody else makes them.
    Newcomer(Box<TlsStream<TcpStream>>, Option<Certificate>),
    Visitor(Visitor),
}

pub(super) async fn accept(
    shared: &Arc<Shared>,
    stream: TcpStream,
    remote: SocketAddr,
    web: Option<Arc<ServerConfig>>,
) -> Option<Visitor> {
    let identity = Arc::clone(&shared.identity.borrow());
    let guest = {
        let place = shared.gate.shake(remote.ip().to_canonical())?;
        let shaken = place.hold(shake(shared, &identity, stream, web)).await;
        shaken.unwrap_or_else(|| Err("too many are at the door".to_owned()))
    };
    match guest {
        Ok(Guest::Peer(met, reader, writer)) => host(shared, met, reader, writer).await,
        Ok(Guest::Newcomer(stream, shown)) => admit::admit(shared, &identity, *stream, shown, remote).await,
        Ok(Guest::Visitor(stream)) => return Some(stream),
        Err(why) => shared.turn_away(remote, &why),
    }
    None
}

/// Sees a connection through to its end.
async fn host(shared: &Arc<Shared>, met: Met, reader: Reader, writer: Writer) {
    let closing = shared.closing.child_token();
    let (id, lane) = (met.peer.id, met.lane);
    shared.gate.enter(id, lane, closing.clone());
    let connection = Connection::new(met, closing, lane.silence(shared.limits.silence));
    let role = Role::Answers(Arc::clone(&shared.handler), shared.identity.clone());
    connection.run(reader, writer, role, shared.removed.clone()).await;
    shared.gate.leave(id, lane);
}

/// What is said when a handshake takes too long.
fn late<E>(_: E) -> String {
    "its TLS handshake does not end".to_owned()
}

async fn shake(
    shared: &Shared,
    identity: &Identity,
    stream: TcpStream,
    web: Option<Arc<ServerConfig>>,
) -> Result<Guest, String> {
    let words = |why: io::Error| text(&why);
    socket::prepare(&stream, TLS_MAX).map_err(words)?;
    let socket = stream.as_fd().try_clone_to_owned().map_err(words)?;
    let (wire, shown) = match (Speaks::ask(&stream).await.map_err(words)?, identity.tls()) {
        (Speaks::Tls, Some(tls)) => {
            match decrypt(tls, web.unwrap_or_else(|| Arc::clone(&tls.web_server)), stream).await? {
                Shaken::Visitor(stream) => return Ok(Guest::Visitor(Box::new(stream))),
                Shaken::Newcomer(stream, shown) => return Ok(Guest::Newcomer(Box::new(stream), shown)),
                Shaken::Peer(stream, shown) => (Box::new(stream) as Box<dyn Wire>, Some(shown)),
            }
        }
        (Speaks::Plain, None) => (plain(stream).await?, None),
        (Speaks::Tls, None) if let Some(web) = web => {
            let shaking = TlsAcceptor::from(web).accept(stream);
            let stream = timeout(TLS_MAX, shaking).await.map_err(late)?.map_err(words)?;
            return Ok(Guest::Visitor(Box::new(stream)));
        }
        (Speaks::Tls, None) => return Err("it speaks TLS, and this node has no certificate".to_owned()),
        (Speaks::Plain, Some(_)) => return Err("it speaks without TLS, and this node has a certificate".to_owned()),
        (Speaks::Http, _) => return Err("it does not speak as a node does".to_owned()),
    };
    let late = |_| "it does not say who it is".to_owned();
    let (met, reader, writer) = timeout(GREETING_MAX, greet(shared, identity, wire, shown)).await.map_err(late)??;
    socket::bear(socket, met.lane.silence(shared.limits.silence)).map_err(words)?;
    Ok(Guest::Peer(met, reader, writer))
}

/// Who came through TLS.
enum Shaken {
    Peer(TlsStream<TcpStream>, Certificate),
    Newcomer(TlsStream<TcpStream>, Option<Certificate>),
    Visitor(TlsStream<TcpStream>),
}

/// No certificate is shown, and none is asked for, where somebody wants to join with a token, or speaks no language of
/// ours: that is HTTP, and the API asks who it is.
async fn decrypt(tls: &Tls, web: Arc<ServerConfig>, stream: TcpStream) -> Result<Shaken, String> {
    let shaking = async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let speaks = |name| start.client_hello().alpn().is_some_and(|mut it| it.any(|it| it == name));
        let config = match &tls.join_server {
            Some(join) if speaks(ALPN_JOIN) => join,
            _ if [ALPN_PEERS, ALPN_COME, ALPN_JOIN].into_iter().any(speaks) => &tls.peers_server,
            _ => &web,
        };
        start.into_stream(Arc::clone(config)).await
    };
    let stream = timeout(TLS_MAX, shaking).await.map_err(late)?.map_err(|why| text(&why))?;
    let session = stream.get_ref().1;
    // Without this, any client with a certificate would be taken for a node.
    if session.alpn_protocol().is_none_or(|speaks| ![ALPN_PEERS, ALPN_COME, ALPN_JOIN].contains(&speaks)) {
        return Ok(Shaken::Visitor(stream));
    }
    let shown = read_shown(session.peer_certificates()).map_err(|why| why.to_string());
    match session.alpn_protocol() {
        Some(ALPN_JOIN) => Ok(Shaken::Newcomer(stream, None)),
        Some(ALPN_COME) => Ok(Shaken::Newcomer(stream, Some(shown?))),
        Some(_) | None => Ok(Shaken::Peer(stream, shown?)),
    }
}

async fn plain(mut stream: TcpStream) -> Result<Box<dyn Wire>, String> {
    if !loopback(&stream).map_err(|why| text(&why))? {
        return Err("links without TLS are for loopback only".to_owned());
    }
    let mut preface = [0; PLAIN.len()];
    let late = |_| "it does not say what it is".to_owned();
    timeout(TLS_MAX, stream.read_exact(&mut preface)).await.map_err(late)?.map_err(|why| text(&why))?;
    if preface == *PLAIN { Ok(Box::new(stream)) } else { Err("it does not speak as a node does".to_owned()) }
}

async fn greet(
    shared: &Shared,
    identity: &Identity,
    wire: Box<dyn Wire>,
    shown: Option<Certificate>,
) -> Result<(Met, Reader, Writer), String> {
    let (mut reader, mut writer) = halves(wire);
    let frame = frame::read(&mut reader, HELLO_MAX).await.map_err(|why| text(&why))?;
    if frame.kind != Kind::Hello {
        return Err("it does not begin as a node does".to_owned());
    }
    let removed = Arc::clone(&shared.removed.borrow());
    let door = Door { own: identity, shown: shown.as_ref(), speaks: &shared.limits.speaks, removed: &removed };
    let passed = door.pass(&frame.body, |id, name| shared.handler.known(id, name));
    let answer = match &passed {
        Ok(met) => Frame::new(Kind::Hello, shared.hello(identity, met.lane).encode(&shared.limits.speaks)),
        Err(why) => Frame::new(why.kind(), cut(why.to_string()).into_bytes()),
    };
    writer.write_all(&answer.bytes()).await.map_err(|why| text(&why))?;
    writer.flush().await.map_err(|why| text(&why))?;
    match passed {
        Ok(met) => Ok((met, reader, writer)),
        Err(why) => {
            // So that the reason arrives before the end does.
            drop(writer.shutdown().await);
            Err(why.to_string())
        }
    }
}

/// No longer than the other side reads.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(HELLO_MAX));
    text
}

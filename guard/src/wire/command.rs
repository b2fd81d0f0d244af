//! How a [`Command`] is written down.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use super::{Command, Malformed, NAME_MAX, PACKET_MAX, PEERS_MAX, SECONDS_MAX, Start, VERSION, address};
use crate::bytes::{Reader, Writer};
use crate::settings::{Containment, Settings};

const SETUP: u8 = 1;
const DEADLINE: u8 = 2;
const PEERS: u8 = 3;
const START: u8 = 4;
const SIGNAL: u8 = 5;
const KILL: u8 = 6;
const END: u8 = 7;
const RAISE: u8 = 8;
const LOWER: u8 = 9;

/// The most arguments or variables of one start.
const STRINGS_MAX: usize = 8192;
/// The longest path that a message carries.
const PATH_MAX: usize = 4096;
const SIGNO_MAX: i32 = 64;

impl Command {
    /// The packet for this message. It is over [`PACKET_MAX`] only if the caller put that much into it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(VERSION);
        match self {
            Self::Setup(settings) => put_settings(out.u8(SETUP), settings),
            Self::Deadline { at } => _ = out.u8(DEADLINE).u64(*at),
            Self::Peers(peers) => put_peers(out.u8(PEERS), peers),
            Self::Start(start) => put_start(out.u8(START), start),
            Self::Signal { slot, signo } => _ = out.u8(SIGNAL).u32(*slot).u32(signo.cast_unsigned()),
            Self::Kill { slot } => _ = out.u8(KILL).u32(*slot),
            Self::Raise { address, seconds } => _ = address::put(out.u8(RAISE), address).u32(*seconds),
            Self::Lower { address } => _ = address::put(out.u8(LOWER), address),
            Self::End => _ = out.u8(END),
        }
        out.finish()
    }

    /// The message in a packet.
    ///
    /// # Errors
    /// [`Malformed`] if the packet is not exactly one message within all bounds.
    pub fn decode(packet: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(packet);
        if from.u8()? != VERSION {
            return Err(Malformed::Version);
        }
        let command = match from.u8()? {
            SETUP => Self::Setup(take_settings(&mut from)?),
            DEADLINE => Self::Deadline { at: from.u64()? },
            PEERS => Self::Peers(take_peers(&mut from)?),
            START => Self::Start(take_start(&mut from)?),
            SIGNAL => Self::Signal { slot: from.u32()?, signo: take_signo(&mut from)? },
            KILL => Self::Kill { slot: from.u32()? },
            RAISE => Self::Raise { address: address::take(&mut from)?, seconds: take_seconds(&mut from)? },
            LOWER => Self::Lower { address: address::take(&mut from)? },
            END => Self::End,
            _ => return Err(Malformed::Kind),
        };
        from.end()?;
        Ok(command)
    }
}

fn put_settings(out: &mut Writer, settings: &Settings) {
    out.bytes(settings.cluster.as_bytes()).bytes(settings.node.as_bytes()).raw(&settings.session);
    out.u8(match settings.containment {
        Containment::Auto => 0,
        Containment::Tree => 1,
    });
    out.u64(nanoseconds(settings.linger)).u64(nanoseconds(settings.budget));
    put_peers(out, &settings.peers);
    out.optional(settings.watchdog.as_ref().map(|path| path.as_os_str().as_bytes()));
    out.u8(u8::from(settings.addresses));
}

fn take_settings(from: &mut Reader<'_>) -> Result<Settings, Malformed> {
    Ok(Settings {
        cluster: take_name(from)?,
        node: take_name(from)?,
        session: from.array()?,
        containment: match from.u8()? {
            0 => Containment::Auto,
            1 => Containment::Tree,
            _ => return Err(Malformed::Value),
        },
        linger: Duration::from_nanos(from.u64()?),
        budget: Duration::from_nanos(from.u64()?),
        peers: take_peers(from)?,
        watchdog: from.optional(PATH_MAX)?.map(take_path).transpose()?,
        addresses: match from.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed::Value),
        },
    })
}

fn put_peers(out: &mut Writer, peers: &[SocketAddr]) {
    out.u32(u32::try_from(peers.len()).unwrap_or(u32::MAX));
    for peer in peers {
        match peer {
            SocketAddr::V4(v4) => _ = out.u8(4).raw(&v4.ip().octets()).raw(&v4.port().to_le_bytes()),
            SocketAddr::V6(v6) => {
                out.u8(6).raw(&v6.ip().octets()).raw(&v6.port().to_le_bytes()).u32(v6.flowinfo()).u32(v6.scope_id());
            }
        }
    }
}

fn take_peers(from: &mut Reader<'_>) -> Result<Vec<SocketAddr>, Malformed> {
    let count = from.count(PEERS_MAX)?;
    (0..count).map(|_| take_peer(from)).collect()
}

fn take_peer(from: &mut Reader<'_>) -> Result<SocketAddr, Malformed> {
    match from.u8()? {
        4 => {
            let ip = IpAddr::from(from.array::<4>()?);
            Ok(SocketAddr::new(ip, u16::from_le_bytes(from.array()?)))
        }
        6 => {
            let ip = from.array::<16>()?.into();
            let port = u16::from_le_bytes(from.array()?);
            Ok(std::net::SocketAddrV6::new(ip, port, from.u32()?, from.u32()?).into())
        }
        _ => Err(Malformed::Value),
    }
}

fn put_start(out: &mut Writer, start: &Start) {
    out.u32(start.slot).bytes(start.name.as_bytes());
    out.u32(u32::try_from(start.argv.len()).unwrap_or(u32::MAX));
    for argument in &start.argv {
        out.bytes(argument.as_bytes());
    }
    out.u32(u32::try_from(start.env.len()).unwrap_or(u32::MAX));
    for (name, value) in &start.env {
        out.bytes(name.as_bytes()).bytes(value.as_bytes());
    }
    out.optional(start.cwd.as_ref().map(|path| path.as_os_str().as_bytes()));
}

fn take_start(from: &mut Reader<'_>) -> Result<Start, Malformed> {
    let slot = from.u32()?;
    let name = take_name(from)?;
    let argc = from.count(STRINGS_MAX)?;
    let argv: Vec<OsString> = (0..argc).map(|_| take_string(from)).collect::<Result<_, _>>()?;
    if argv.first().is_none_or(|command| command.is_empty()) {
        return Err(Malformed::Value);
    }
    let envc = from.count(STRINGS_MAX)?;
    let env = (0..envc).map(|_| take_variable(from)).collect::<Result<_, _>>()?;
    let cwd = from.optional(PATH_MAX)?.map(take_path).transpose()?;
    Ok(Start { slot, name, argv, env, cwd })
}

fn take_variable(from: &mut Reader<'_>) -> Result<(OsString, OsString), Malformed> {
    let name = take_string(from)?;
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        return Err(Malformed::Value);
    }
    Ok((name, take_string(from)?))
}

/// A string that can become a C string.
fn take_string(from: &mut Reader<'_>) -> Result<OsString, Malformed> {
    let bytes = from.bytes(PACKET_MAX)?;
    if bytes.contains(&0) { Err(Malformed::Value) } else { Ok(OsString::from_vec(bytes.to_vec())) }
}

fn take_path(bytes: &[u8]) -> Result<PathBuf, Malformed> {
    if bytes.contains(&0) { Err(Malformed::Value) } else { Ok(PathBuf::from(OsStr::from_bytes(bytes))) }
}

fn take_name(from: &mut Reader<'_>) -> Result<String, Malformed> {
    let name = std::str::from_utf8(from.bytes(NAME_MAX)?).map_err(|_| Malformed::Value)?;
    if name.contains('\0') { Err(Malformed::Value) } else { Ok(name.to_owned()) }
}

fn take_signo(from: &mut Reader<'_>) -> Result<i32, Malformed> {
    let signo = from.u32()?.cast_signed();
    if (1..=SIGNO_MAX).contains(&signo) { Ok(signo) } else { Err(Malformed::Value) }
}

fn take_seconds(from: &mut Reader<'_>) -> Result<u32, Malformed> {
    let seconds = from.u32()?;
    if (1..=SECONDS_MAX).contains(&seconds) { Ok(seconds) } else { Err(Malformed::Value) }
}

/// Whole nanoseconds; five centuries are as good as for ever.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! Reading a preamble that may be torn, or not one at all. The grammar is the crate's; how much of a connection a
//! preamble may be, and when it is whole, is decided here.

use super::{Ends, Version};
use proxy_header::{ParseConfig, Protocol, ProxyHeader};

/// How version 1 begins.
pub(super) const V1_START: &[u8] = b"PROXY ";
/// How version 2 begins.
pub(super) const V2_START: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line, by the specification.
const V1_MAX: usize = 107;
/// Version 2 without its addresses: the start, version and command, family, length.
const V2_HEAD: usize = V2_START.len() + 4;
/// With everything that HAProxy, nginx and the clouds' balancers add, they stay below 1 KiB; the length could say 64 KiB.
const V2_MAX: usize = 2048;

/// What was sent is no preamble, or none of the version that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What the beginning of a connection says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// It may become a preamble.
    Torn,
    /// A preamble that names nobody: the balancer's own health check, or a family we do not know.
    Local,
    /// A preamble of a connection between these.
    Proxied(Ends),
}

/// Reads a preamble of `version`, or of either. `bytes` holds nothing after it.
///
/// # Errors
/// When no bytes that may follow could make one of it.
pub(super) fn parse(bytes: &[u8], version: Option<Version>) -> Result<Parsed, Malformed> {
    if bytes.is_empty() {
        return Ok(Parsed::Torn);
    }
    if missing(bytes)? > 0 {
        return Ok(Parsed::Torn);
    }
    let config = ParseConfig {
        include_tlvs: false,
        allow_v1: version != Some(Version::V2),
        allow_v2: version != Some(Version::V1),
    };
    let (header, length) = ProxyHeader::parse(bytes, config).map_err(|_| Malformed)?;
    if length != bytes.len() {
        return Err(Malformed);
    }
    Ok(match header.proxied_address() {
        Some(named) if named.protocol == Protocol::Stream => {
            Parsed::Proxied(Ends { client: named.source, server: named.destination })
        }
        Some(_) | None => Parsed::Local,
    })
}

/// How many of the bytes that came after `seen` belong to its preamble.
pub(super) fn share(seen: &[u8], fresh: &[u8]) -> Result<usize, Malformed> {
    let begin = seen.first().or(fresh.first());
    match begin.map(|byte| *byte == V1_START[0]) {
        // A line says where it ends, and only there.
        Some(true) => {
            let line = fresh.iter().position(|byte| *byte == b'\n').map_or(fresh.len(), |end| end + 1);
            Ok(line.min(V1_MAX.saturating_sub(seen.len())))
        }
        Some(false) if seen.is_empty() => Ok(fresh.len().min(V2_HEAD)),
        Some(false) => Ok(missing(seen)?.min(fresh.len())),
        None => Ok(0),
    }
}

/// How many bytes a preamble lacks at least; none: it is whole.
fn missing(bytes: &[u8]) -> Result<usize, Malformed> {
    if begins_with(bytes, V1_START) {
        return match bytes.len() {
            _ if bytes.ends_with(b"\n") => Ok(0),
            ..V1_MAX => Ok(1),
            _ => Err(Malformed),
        };
    }
    if !begins_with(bytes, V2_START) {
        return Err(Malformed);
    }
    let Some(length) = bytes.get(V2_HEAD - 2..V2_HEAD) else { return Ok(V2_HEAD - bytes.len()) };
    match V2_HEAD + usize::from(u16::from_be_bytes([length[0], length[1]])) {
        whole @ ..=V2_MAX => Ok(whole.saturating_sub(bytes.len())),
        _ => Err(Malformed),
    }
}

/// Whether `bytes` and `start` agree as far as there are bytes.
pub(super) fn begins_with(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(byte, wanted)| byte == wanted)
}

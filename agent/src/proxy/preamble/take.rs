//! Taking a preamble from a connection, and not a byte more: what follows is for TLS or the service.

use super::parse::{Parsed, V1_START, V2_START, begins_with, parse, share};
use super::{Refusal, Version};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Bytes that are looked at in one go. Nearly all preambles are shorter.
const LOOK: usize = 256;

/// Takes the preamble off. Waits for as long as it is torn: the caller limits the time.
pub(super) async fn take(client: &mut TcpStream, version: Option<Version>) -> Result<Parsed, Refusal> {
    let mut seen = Vec::new();
    loop {
        let mut fresh = [0; LOOK];
        let count = client.peek(&mut fresh).await.map_err(|_| Refusal::Gone)?;
        if count == 0 {
            return Err(Refusal::Gone);
        }
        let ours = share(&seen, &fresh[..count]).map_err(|_| Refusal::Malformed)?;
        client.read_exact(&mut fresh[..ours]).await.map_err(|_| Refusal::Gone)?;
        seen.extend_from_slice(&fresh[..ours]);
        match parse(&seen, version).map_err(|_| Refusal::Malformed)? {
            Parsed::Torn => {}
            whole => return Ok(whole),
        }
    }
}

/// Waits for the first bytes, takes none, and says whether they look like a preamble.
pub(super) async fn looks_like_one(client: &TcpStream) -> bool {
    let mut bytes = [0; V2_START.len()];
    match client.peek(&mut bytes).await {
        Ok(0) | Err(_) => false,
        // Two bytes tell a version 2 from a client that begins with an empty line, six a version 1 from other words.
        Ok(count) => [V1_START, V2_START].iter().any(|start| count >= 6 && begins_with(&bytes[..count], start)),
    }
}

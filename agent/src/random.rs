//! Random words from the system. It has no state, and nothing else here makes random bits for the protocol.

use hotseat_core::Nonce;

/// A word that was never used before and will not be again.
///
/// # Errors
/// When the system has no random bits.
pub fn nonce() -> Result<Nonce, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random bits: {error}"))?;
    Ok(Nonce(u128::from_be_bytes(bytes)))
}

//! The line that lets a new node in: `hsj1.` and what it needs to know, in base64url.
//!
//! It names where to knock, by what to know the cluster (the fingerprint of its CA), until when it is good, and carries a
//! secret that any member can check without having kept anything. Whoever holds the line may join: it is a password.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hotseat_core::NodeName;
use serde::{Deserialize, Serialize};

/// What every token of this form begins with.
const PREFIX: &str = "hsj1.";

/// Enough of a digest to find a cut or mistyped line.
const CHECK: usize = 4;

/// A line longer than this is no token: eight addresses of the longest kind fit into it.
const LINE_MAX: usize = 4096;

/// Addresses in a token. More do not help, and each is tried.
pub(super) const ADDRESSES_MAX: usize = 8;

/// The longest address: a host name and a port.
const ADDRESS_MAX: usize = 260;

/// SHA-256 of the cluster's CA certificate.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, der);
        Self(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An invitation to a cluster. Its `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The cluster it is for.
    pub cluster: NodeName,
    /// Members to knock at, in this order, as `host:port`.
    pub addresses: Vec<String>,
    /// By what to know the cluster's CA.
    pub ca: Fingerprint,
    /// What tells this invitation from others.
    pub id: u64,
    /// Until when it is good, in seconds since 1970.
    pub expires: u64,
    pub(crate) secret: [u8; 32],
}

/// Why a line is not a token that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It is something else.
    NotAToken,
    /// It is a part of one, or has been altered on the way.
    Torn,
    /// It was one, this long ago.
    Expired(Duration),
    /// It was not made by this cluster, or its join key has been replaced since.
    Forged,
}

impl Token {
    /// Whether it is still good, as far as its own date says.
    ///
    /// # Errors
    /// [`TokenError::Expired`].
    pub fn good(&self, now: SystemTime) -> Result<(), TokenError> {
        let end = UNIX_EPOCH.checked_add(Duration::from_secs(self.expires)).unwrap_or(UNIX_EPOCH);
        match now.duration_since(end) {
            Ok(ago) => Err(TokenError::Expired(ago)),
            Err(_) => Ok(()),
        }
    }

    fn plausible(&self) -> bool {
        let fits = |it: &String| !it.is_empty() && it.len() <= ADDRESS_MAX;
        (1..=ADDRESSES_MAX).contains(&self.addresses.len()) && self.addresses.iter().all(fits)
    }
}

/// What only the cluster can compute: it ties the cluster, the invitation and its end together.
pub(super) fn secret(key: &hmac::Key, cluster: &NodeName, id: u64, expires: u64) -> hmac::Tag {
    hmac::sign(key, &signed(cluster, id, expires))
}

/// Compares in constant time.
pub(super) fn verify(key: &hmac::Key, cluster: &NodeName, claim: &Claim) -> bool {
    hmac::verify(key, &signed(cluster, claim.id, claim.expires), &claim.secret).is_ok()
}

/// The name's length is fixed by what follows it, so no two triples give the same bytes.
fn signed(cluster: &NodeName, id: u64, expires: u64) -> Vec<u8> {
    [b"hotseat join 1\0".as_slice(), cluster.as_str().as_bytes(), &id.to_be_bytes(), &expires.to_be_bytes()].concat()
}

/// The part of a token that is shown to the member, once it is known to be one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) id: u64,
    pub(crate) expires: u64,
    pub(crate) secret: [u8; 32],
}

impl From<&Token> for Claim {
    fn from(token: &Token) -> Self {
        Self { id: token.id, expires: token.expires, secret: token.secret }
    }
}

fn check(body: &[u8]) -> [u8; CHECK] {
    let Fingerprint(digest) = Fingerprint::of(body);
    [digest[0], digest[1], digest[2], digest[3]]
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = postcard::to_stdvec(self).map_err(|_| fmt::Error)?;
        body.extend(check(&body));
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(body))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(line: &str) -> Result<Self, TokenError> {
        let line = line.trim();
        let Some(text) = line.strip_prefix(PREFIX).filter(|_| line.len() <= LINE_MAX) else {
            // The first characters of a token, and no more, are a token that was cut.
            let cut = !line.is_empty() && PREFIX.starts_with(line);
            return Err(if cut { TokenError::Torn } else { TokenError::NotAToken });
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Torn)?;
        let (body, sum) = bytes.split_at_checked(bytes.len().wrapping_sub(CHECK)).ok_or(TokenError::Torn)?;
        let sound = check(body) == sum;
        let token = sound.then(|| postcard::from_bytes::<Self>(body).ok()).flatten();
        token.filter(Self::plausible).ok_or(TokenError::Torn)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} {:x} {:?} …)", self.cluster, self.id, self.addresses)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAToken => write!(f, "this is not a join token: one begins with {PREFIX} and is a single line"),
            Self::Torn => write!(f, "this join token is cut short or altered: copy the whole line again"),
            Self::Expired(ago) => {
                let ago = rounded(*ago);
                write!(f, "this token expired {ago} ago: make a new one with hotseat members invite")
            }
            Self::Forged => write!(
                f,
                "this token was not made by this cluster, or its join key was replaced since: \
                 make a new one with hotseat members invite"
            ),
        }
    }
}

impl std::error::Error for TokenError {}

/// In the largest unit that fits: nobody needs the seconds of last Tuesday.
fn rounded(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

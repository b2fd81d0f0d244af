//! The word: what a guard says once everything it held is proven dead.
//!
//! The proof *is* the preimage of a hash that stood in the session's record from its start (D6): there is nothing to
//! sign, anybody may pass it on, and to repeat it does no harm. This file only says how it looks on the network.

use sha2::{Digest, Sha256};

use crate::settings::SessionId;
use crate::wire::NAME_MAX;

/// Every datagram begins with this.
pub const MAGIC: &[u8; 8] = b"HSPROOF1";

/// The longest datagram: magic, session, secret, two names with their lengths, and what made it end.
pub const DATAGRAM_MAX: usize = 8 + 16 + 32 + 2 * (1 + NAME_MAX) + 1;

/// What made a guard end its session. For people: nothing proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The agent ended, or let go of its guard.
    Agent,
    /// The deadline came.
    Lease,
    /// The agent said `End` before it.
    Order,
}

impl Trigger {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Agent => 1,
            Self::Lease => 2,
            Self::Order => 3,
        }
    }

    /// A number that is not known here says nothing, and makes the proof no worse.
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Agent),
            2 => Some(Self::Lease),
            3 => Some(Self::Order),
            _ => None,
        }
    }
}

/// The proof that everything of one session is dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The session that is over.
    pub session: SessionId,
    /// The preimage of the hash in the session's record.
    pub secret: [u8; 32],
    /// The cluster it belonged to.
    pub cluster: String,
    /// The node it ran on.
    pub node: String,
    /// What made it end, where that is told.
    pub trigger: Option<Trigger>,
}

impl Word {
    /// The datagram that carries it; a name over [`NAME_MAX`] bytes is cut.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut datagram = Vec::with_capacity(DATAGRAM_MAX);
        datagram.extend_from_slice(MAGIC);
        datagram.extend_from_slice(&self.session);
        datagram.extend_from_slice(&self.secret);
        for name in [&self.cluster, &self.node] {
            let name = &name.as_bytes()[..name.floor_char_boundary(NAME_MAX)];
            datagram.push(u8::try_from(name.len()).expect("NAME_MAX fits a byte"));
            datagram.extend_from_slice(name);
        }
        datagram.extend(self.trigger.map(Trigger::byte));
        datagram
    }

    /// The word in a datagram; `None` for anything else, of which a UDP port gets plenty.
    ///
    /// ```
    /// # use hotseat_guard::Word;
    /// let word = Word { session: [1; 16], secret: [2; 32], cluster: "c".into(), node: "n".into(), trigger: None };
    /// assert_eq!(Word::decode(&word.encode()), Some(word));
    /// assert_eq!(Word::decode(b"GET / HTTP/1.1"), None);
    /// ```
    #[must_use]
    pub fn decode(datagram: &[u8]) -> Option<Self> {
        let rest = datagram.strip_prefix(MAGIC.as_slice())?;
        let (session, rest) = rest.split_first_chunk()?;
        let (secret, rest) = rest.split_first_chunk()?;
        let (cluster, rest) = take_name(rest)?;
        let (node, rest) = take_name(rest)?;
        let trigger = match rest {
            [] => None,
            [byte] => Trigger::of(*byte),
            _ => return None,
        };
        Some(Self { session: *session, secret: *secret, cluster, node, trigger })
    }

    /// Whether this proves the death of the session whose record holds `proof_hash`.
    #[must_use]
    pub fn proves(&self, hash: &[u8; 32]) -> bool {
        proof_hash(&self.secret) == *hash
    }
}

/// The hash that goes into the session's record for a secret.
#[must_use]
pub fn proof_hash(secret: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn take_name(from: &[u8]) -> Option<(String, &[u8])> {
    let (len, rest) = from.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*len))?;
    let name = std::str::from_utf8(name).ok().filter(|name| name.len() <= NAME_MAX)?;
    Some((name.to_owned(), rest))
}

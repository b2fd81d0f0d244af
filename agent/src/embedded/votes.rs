//! What voters are asked and answer, as it travels between agents. It checks form, never meaning.

use hotseat_core::{Answer, Question};
use serde::{Deserialize, Serialize};

/// Longer ones are not ours: names are short.
pub(crate) const BYTES_MAX: usize = 1024;

/// One message on the votes' lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vote {
    /// To a voter.
    Asked(Question),
    /// From a voter.
    Answered(Answer),
    /// The sender cannot use the store, and knows whom to tell of it. It is nobody's vote, and travels with them because no
    /// other lane works without a majority.
    Stranded,
}

impl Vote {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// From a peer's bytes; `None` if they are no vote.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (vote, rest) = (bytes.len() <= BYTES_MAX).then(|| postcard::take_from_bytes(bytes).ok())??;
        rest.is_empty().then_some(vote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotseat_core::{NodeName, Nonce, Renewal, SessionId};

    #[test]
    fn votes_survive_the_way_and_torn_ones_are_none() {
        let session = SessionId { ordinal: 7, id: Nonce(u128::MAX) };
        let node = NodeName::new("n1").expect("a name");
        let all = [
            Vote::Asked(Question::Renew(Renewal { node: node.clone(), session, seq: 9 })),
            Vote::Asked(Question::Promise(node, session)),
            Vote::Answered(Answer::Heard(session, 9)),
            Vote::Stranded,
            Vote::Answered(Answer::Would(session, Some(core::time::Duration::from_millis(3)))),
        ];
        for vote in all {
            let bytes = vote.encode();
            assert_eq!(Vote::decode(&bytes), Some(vote));
            for length in 0..bytes.len() {
                assert_eq!(Vote::decode(&bytes[..length]), None);
            }
            assert_eq!(Vote::decode(&[bytes, vec![0]].concat()), None);
        }
    }
}

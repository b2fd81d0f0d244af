//! Who should lead: higher priority, hot before cold, fresher state, higher version, lower name (`amp_6`).
//!
//! It only orders. Safety never rests on it: the compare-and-swap decides, and a worse candidate merely
//! waits a little longer before it tries.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};

use crate::id::NodeName;

/// What the order looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The node.
    pub node: NodeName,
    /// Whether it should not win straight back.
    pub avoided: bool,
    /// Higher wins.
    pub priority: i64,
    /// Its service runs and is ready.
    pub hot: bool,
    /// How fresh its state is; higher wins.
    pub fresh: u64,
    /// Its version, as `1.2.3`; higher wins.
    pub version: String,
}

/// `Less` is the better candidate.
///
/// ```
/// # use hotseat_core::{order, Candidate, NodeName};
/// # use core::cmp::Ordering;
/// let n = |name: &str, priority| Candidate {
///     node: NodeName::new(name).expect("a good name"), avoided: false, priority, hot: false, fresh: 0,
///     version: "0.1.0".into(),
/// };
/// assert_eq!(order(&n("b", 5), &n("a", 0)), Ordering::Less);
/// assert_eq!(order(&n("b", 0), &n("a", 0)), Ordering::Greater);
/// ```
#[must_use]
pub fn order(a: &Candidate, b: &Candidate) -> Ordering {
    a.avoided
        .cmp(&b.avoided)
        .then_with(|| Reverse(a.priority).cmp(&Reverse(b.priority)))
        .then_with(|| Reverse(a.hot).cmp(&Reverse(b.hot)))
        .then_with(|| Reverse(a.fresh).cmp(&Reverse(b.fresh)))
        .then_with(|| Reverse(numbers(&a.version)).cmp(&Reverse(numbers(&b.version))))
        .then_with(|| a.node.cmp(&b.node))
}

/// `1.10.2-rc1` as `[1, 10, 2]`: versions compare by number, not by letter.
fn numbers(version: &str) -> Vec<u64> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    core.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(text: &str) -> Candidate {
        let mut it = Candidate {
            node: NodeName::new("x").expect("good"),
            avoided: false,
            priority: 0,
            hot: false,
            fresh: 0,
            version: "0.1.0".into(),
        };
        for word in text.split(' ') {
            match word.split_once('=') {
                Some(("p", p)) => it.priority = p.parse().expect("a number"),
                Some(("fresh", f)) => it.fresh = f.parse().expect("a number"),
                Some(("v", v)) => it.version = v.into(),
                Some(_) => panic!("what is {word}"),
                None if word == "hot" => it.hot = true,
                None if word == "avoided" => it.avoided = true,
                None => it.node = NodeName::new(word).expect("good"),
            }
        }
        it
    }

    fn check(better: &str, worse: &str) {
        let (a, b) = (candidate(better), candidate(worse));
        assert_eq!(order(&a, &b), Ordering::Less, "{better} before {worse}");
        assert_eq!(order(&b, &a), Ordering::Greater, "and the reverse");
    }

    #[test]
    fn amp_6_order() {
        check("b p=1", "a p=0 hot");
        check("b p=-1", "a p=-2");
        check("b hot", "a fresh=9");
        check("b fresh=2", "a fresh=1 v=9.0.0");
        check("b v=0.10.0", "a v=0.9.9");
        check("a", "b");
        check("b", "a p=99 hot avoided");
    }
}

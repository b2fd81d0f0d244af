//! The names that locks have in the store. They share it with agents and groups, and never meet theirs: what begins
//! with `lock-` or `lock.` is a lock's.
//!
//! ```text
//!  session/lock-NODE-PLACE   one running `hotseat lock`; places are used again, as a session's record never goes away
//!  group/lock.SEAT.NAME      one seat of a lock; a lock that is not shared has seat 0 alone
//! ```

use std::fmt;

use hotseat_core::{GroupId, Key, NodeName};

/// How the node names of locks begin.
pub const NODE_PREFIX: &str = "lock-";
/// How the groups of locks begin.
pub const GROUP_PREFIX: &str = "lock.";

/// Longest name of a lock, in bytes: with its prefix and seat it has to be the name of a group.
const NAME_MAX: usize = 48;

/// Most holders of one lock at a time: each seat is a record that every lock of the cluster reads. Who needs more
/// needs a queue.
pub const SEATS_MAX: u32 = 64;

/// So much of a node's name goes into those of its locks; the rest is told apart by a checksum.
const NODE_PART_MAX: usize = 40;

/// A lock's name, checked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockName(String);

impl LockName {
    /// Checks the name: 1 to 48 letters, digits, `-`, `_` or `.`, not starting with `.`.
    ///
    /// # Errors
    /// Says what a name may be.
    pub fn new(name: &str) -> Result<Self, String> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if plain && (1..=NAME_MAX).contains(&name.len()) && !name.starts_with('.') {
            return Ok(Self(name.to_owned()));
        }
        Err(format!(
            "\"{}\" is no name for a lock: use 1 to {NAME_MAX} letters, digits, '-', '_' or '.', not starting with '.'",
            name.escape_debug()
        ))
    }

    /// The group of a seat.
    #[must_use]
    pub fn seat(&self, seat: u32) -> GroupId {
        let id = format!("{GROUP_PREFIX}{}.{}", seat.min(SEATS_MAX), self.0);
        GroupId::new(&id).expect("a checked name with a short prefix is a group's name")
    }

    /// The seat and lock that a group stands for, if it is a lock's.
    #[must_use]
    pub fn of_group(group: &GroupId) -> Option<(u32, Self)> {
        let (seat, name) = group.as_str().strip_prefix(GROUP_PREFIX)?.split_once('.')?;
        let canonical = seat == "0" || !seat.starts_with('0');
        let seat = seat.parse().ok().filter(|seat| *seat < SEATS_MAX && canonical)?;
        Some((seat, Self::new(name).ok()?))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name under which the lock in this place of a node has its session.
#[must_use]
pub(crate) fn node_name(node: &str, place: u32) -> NodeName {
    let whole = format!("{NODE_PREFIX}{node}-{place}");
    let cut = || {
        let part: String = node.chars().take(NODE_PART_MAX).collect();
        format!("{NODE_PREFIX}{part}.{:08x}-{place}", crc32fast::hash(node.as_bytes()))
    };
    let name = NodeName::new(&whole).or_else(|_| NodeName::new(&cut()));
    name.expect("a node's name, cut, with a prefix and a number is a node's name")
}

/// Whether this is the name of a lock on that node.
#[must_use]
pub fn is_on(lock: &NodeName, node: &str) -> bool {
    let place = lock.as_str().rsplit_once('-').and_then(|(_, place)| place.parse().ok());
    place.is_some_and(|place| node_name(node, place) == *lock)
}

/// Whether a record is a lock's.
#[must_use]
pub fn is_a_locks(key: &Key) -> bool {
    match key {
        Key::Session(node) => node.as_str().starts_with(NODE_PREFIX),
        Key::Group(group) => LockName::of_group(group).is_some(),
        Key::Orders(_) | Key::Voters => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_from_the_groups_they_make() {
        for name in ["a", "db.migrate", "1.x", "x-_.9", &"n".repeat(NAME_MAX)] {
            let lock = LockName::new(name).expect("a good name");
            for seat in [0, 1, SEATS_MAX - 1] {
                assert_eq!(LockName::of_group(&lock.seat(seat)), Some((seat, lock.clone())));
            }
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        for name in ["", ".", ".a", "a/b", "a b", "ä", "a\n", &"n".repeat(NAME_MAX + 1)] {
            assert!(LockName::new(name).is_err(), "{name:?}");
        }
        for group in ["web", "lock.web", "lock.64.a", "lock.01.a", "lock.0.", "lock.-1.a", "lock.0..a"] {
            let group = GroupId::new(group).expect("a group's name");
            assert_eq!(LockName::of_group(&group), None, "{group}");
        }
    }

    #[test]
    fn long_node_names_make_names_that_differ() {
        let (one, two) = (format!("{}1", "n".repeat(62)), format!("{}2", "n".repeat(62)));
        assert_ne!(node_name(&one, 0), node_name(&two, 0));
        assert_eq!(node_name("n1", 3).as_str(), "lock-n1-3");
        assert!(is_on(&node_name(&one, 9), &one) && !is_on(&node_name(&one, 9), &two));
        assert!(is_on(&node_name("a-0", 1), "a-0") && !is_on(&node_name("a-0", 1), "a"));
        assert!(is_a_locks(&Key::Session(node_name(&one, 255))));
    }
}

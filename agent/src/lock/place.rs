//! The place of a running lock on its machine: a small number that no other running lock of the node has.
//!
//! A place is a name in the kernel's own list of sockets, so it is free again in the instant that its process ends,
//! and no file, folder or right is needed. It keeps names few, and never safety: should two ever have the same, the
//! session's record lets one of them live.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

/// Most locks that wait or hold on one machine at a time: each renews a record of its own.
const PLACES_MAX: u32 = 256;

/// Kept for as long as the lock runs.
#[derive(Debug)]
pub(crate) struct Place {
    /// From 0.
    pub(crate) number: u32,
    _name: UnixListener,
}

impl Place {
    /// Takes the first free place that `fits`; else the first free one.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn take(cluster: &str, node: &str, fits: impl Fn(u32) -> bool) -> Result<Self, String> {
        let mut second = None;
        for number in 0..PLACES_MAX {
            let Some(place) = Self::bind(cluster, node, number) else { continue };
            if fits(number) {
                return Ok(place);
            }
            second.get_or_insert(place);
        }
        second.ok_or_else(|| format!("{PLACES_MAX} locks run on this machine already: wait for one to end"))
    }

    fn bind(cluster: &str, node: &str, number: u32) -> Option<Self> {
        let name = format!("hotseat-lock/{cluster}/{node}/{number}");
        // The kernel's room for a name is 107 bytes; names that are longer differ in their checksum.
        let name = if name.len() <= 100 { name } else { format!("hotseat-lock/{:08x}/{number}", crc(&name)) };
        let address = SocketAddr::from_abstract_name(name).ok()?;
        Some(Self { number, _name: UnixListener::bind_addr(&address).ok()? })
    }
}

fn crc(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_lock_s_until_it_ends() {
        let cluster = format!("place-{}", std::process::id());
        let take = |fits: fn(u32) -> bool| Place::take(&cluster, "n1", fits).expect("a free place");
        let first = take(|_| true);
        let second = take(|_| true);
        assert_eq!((first.number, second.number), (0, 1));
        assert_eq!(take(|number| number == 7).number, 7);
        assert_eq!(take(|_| false).number, 2, "one that does not fit is better than none");
        drop(first);
        assert_eq!(take(|_| true).number, 0);
    }
}

//! Which requests may be sent once more: those that cannot have acted, or may act twice.

use hyper::Method;

/// A request that brings down whoever takes it must not go round the whole cluster.
const SENDS_MAX: u32 = 3;

/// What became of a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Not a byte of it was sent.
    Unsent,
    /// Some of it was: the service may have acted.
    Sent,
}

/// Whether to send it once more: it was sent so often, and its body is still at hand or not.
pub(super) fn may_repeat(lost: Lost, method: &Method, body_at_hand: bool, sends: u32) -> bool {
    match lost {
        Lost::Unsent => true,
        Lost::Sent => method.is_idempotent() && body_at_hand && sends < SENDS_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_sent_again() {
        let check = |lost, method: &str, body_at_hand, sends, expected| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let found = may_repeat(lost, &method, body_at_hand, sends);
            assert_eq!(found, expected, "{lost:?} {method} {body_at_hand} {sends}");
        };
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            check(Lost::Unsent, method, true, 0, true);
            check(Lost::Sent, method, true, 1, true);
            check(Lost::Sent, method, false, 1, false);
            check(Lost::Sent, method, true, SENDS_MAX, false);
        }
        for method in ["POST", "PATCH", "LOCK", "QUERYISH"] {
            check(Lost::Unsent, method, true, 0, true);
            check(Lost::Sent, method, true, 1, false);
            check(Lost::Sent, method, false, 1, false);
        }
    }
}

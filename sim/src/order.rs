//! What operators order of a group: written to the store by some agent, at once, as `agent` does by compare-and-swap.

use hotseat_core::Mode;

/// One order; machines by their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing moves.
    Pause,
    /// Everything moves again.
    Resume,
    /// This one is to lead.
    Pin(usize),
    /// Nobody is, in particular.
    Unpin,
    /// How this one takes part; `None`: as its configuration says.
    Mode(usize, Option<Mode>),
    /// This one's priority; `None`: as its configuration says.
    Priority(usize, Option<i64>),
    /// A planned change; of this epoch, or of the one that is when it is ordered.
    Switchover(Option<usize>, Option<u64>),
    /// Resumes, and takes back what says how members take part.
    Normal,
}

//! What people order of a group: taken on any node, changed by compare-and-swap, and its outcome written down. It carries
//! nothing out: the members heed what stands in the record, and who leads obeys.
//!
//! ```text
//!  API, AMP's calls ──> desk ── orders/GROUP, by compare-and-swap ──> every member's loop heeds it
//!                                   ^                                        │ the leader hands over, or refuses
//!                                   └──── clerk: what came of it <───────────┘ the group's record says so
//! ```

mod book;
mod change;
mod clerk;
mod desk;
mod forget;
mod settle;

pub use book::{Asked, Book};
pub use change::{Objection, Verb};
pub use clerk::{Clerk, REFUSALS, Refusal};
pub use desk::Orders;
pub use forget::forget;

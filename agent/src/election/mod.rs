//! Elections among programs that link `hotseat-client`: an agent stands for each candidate of its machine.
//!
//! ```text
//!  program ── Stand, again and again ──> Elections ──> Stand: core::Node, one session, one cold group `lock.0.NAME`
//!          <── Standing, what is left ─────────────────── Warrant: what the program was promised, and until when
//! ```
//! An election is a lock whose holder is no command under a guard but a program that asks the clock before it acts: the
//! same names, the same records, the same lease. What a guard proves by a kill, a [`Warrant`](warrant::Warrant) knows
//! from the program's own word, or from the time: a promise that has run out binds nobody. It decides nothing that `core`
//! decides.

mod office;
mod stand;
mod warrant;

pub use office::Elections;

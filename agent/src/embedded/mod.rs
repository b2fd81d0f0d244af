//! The embedded store's side of an agent: who belongs to the cluster, who votes, and what voters say to each other.

mod promises;
pub mod roll;
pub mod steps;
mod votes;

pub use promises::Promises;
pub use votes::Vote;

//! The embedded store, member by member, in one process.

mod contract;
mod world;

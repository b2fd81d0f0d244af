//! The embedded store, member by member, in one process.

mod bad_disk;
mod contract;
mod disks;
mod flat;
mod halfway;
mod hostile;
mod life;
mod measure;
mod suite;
mod world;

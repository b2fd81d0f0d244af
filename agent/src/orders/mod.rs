//! What people order of a group: read, changed by compare-and-swap, and its outcome written down. It carries nothing
//! out: the members heed what stands there.

mod book;

pub use book::{Asked, Book, Entry};

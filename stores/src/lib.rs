//! Where a Hotseat cluster agrees: keyed records with compare-and-swap, behind one trait.
//!
//! A store knows nothing of leases, leaders or time: keys are short paths, bodies are opaque
//! bytes. It never deletes, never lets a version come back, and never says that a write was
//! refused when it may still land. Each store is one module that knows no other; all of them
//! pass the one suite in `conformance`.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use hotseat_stores::{Body, Key, Memory, Store, Written};
//! let store = Memory::new();
//! let key = Key::parse("group/web").unwrap();
//! let body = Body::new(b"epoch 1").unwrap();
//! assert_eq!(store.write(&key, None, 1, body.clone()).await, Written::Applied { version: 1 });
//! assert_eq!(store.write(&key, None, 2, body).await, Written::Refused);
//! # });
//! ```

mod body;
mod bounded;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod dir;
mod faulty;
mod hints;
mod key;
mod memory;
pub mod raft;
mod store;

pub use body::{Body, TooBig};
pub use bounded::Bounded;
pub use dir::Dir;
pub use faulty::{Fault, Faults, Faulty};
pub use hints::Hints;
pub use key::{BadKey, Key};
pub use memory::Memory;
pub use raft::Raft;
pub use store::{Damage, Entry, OpenError, Store, Unavailable, Written};

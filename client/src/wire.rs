//! What travels: exactly the JSON of the API, one file per subject.

mod acts;
mod alerts;
mod cluster;
mod drill;
mod event;
mod group;
mod members;
mod orders;
mod own;
mod redundancy;
mod road;
pub mod story;
mod sync;
mod tokens;

pub use acts::{Act, Acted, Outcome, Pin, Refusal, SetMode, SetPriority, Switchover, Why};
pub use alerts::{Alert, Alerts, Channel, Delivery, Matter, TestAlert, TestedAlert, Told};
pub use cluster::{Cluster, Store, Voters};
pub use drill::{Drill, DrillKind, DrillOrder, DrillSeen, DrillUnderWay, DrillWatch, Drills, LastDrill};
pub use event::Event;
pub use group::{Group, Member};
pub use members::{Dismiss, Dismissed, Invitation, Invite, Remove, Roll, Seat};
pub use orders::{InForce, Orders};
pub use own::Self_;
pub use road::{Floating, ProxyGate, Vip};
pub use sync::{Answered, Difference, Drift, Push, Pushed, Rollback, Sync, SyncNode, SyncVersion, TakeBack};
pub use tokens::{MadeToken, NewToken, Token};

//! `hotseat dev`.
use super::Result;
use crate::args::Dev;
pub(crate) fn run(_args: &Dev) -> Result {
    Err(super::Failed::new("not yet"))
}

//! `hotseat pause`: nothing moves any more, until it is resumed.

use std::process::ExitCode;

use hotseat_client::Why;

use super::act::{Which, carry_out};
use super::{Result, small_runtime};
use crate::args::Pause;

pub(crate) fn run(args: &Pause) -> Result {
    let which = if args.all { Which::All } else { Which::One };
    let body = serde_json::to_value(Why { reason: args.act.reason.clone() })?;
    small_runtime()?.block_on(carry_out(&args.act, which, "pause", &body))?;
    Ok(ExitCode::SUCCESS)
}

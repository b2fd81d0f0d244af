//! `hotseat resume`: changes are allowed again.

use std::process::ExitCode;

use hotseat_client::Why;

use super::act::{Which, carry_out};
use super::{Result, small_runtime};
use crate::args::Resume;

pub(crate) fn run(args: &Resume) -> Result {
    let which = if args.all { Which::All } else { Which::One };
    let body = serde_json::to_value(Why { reason: args.act.reason.clone() })?;
    small_runtime()?.block_on(carry_out(&args.act, which, "resume", &body))?;
    Ok(ExitCode::SUCCESS)
}

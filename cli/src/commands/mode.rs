//! `hotseat mode`: how a node takes part in a group, whatever its file says.

use std::process::ExitCode;

use hotseat_client::SetMode as Body;

use super::act::{Which, carry_out};
use super::{Result, small_runtime};
use crate::args::SetMode;

pub(crate) fn run(args: &SetMode) -> Result {
    let body = serde_json::to_value(Body {
        node: args.of.node.clone(),
        mode: args.mode.clone(),
        reason: args.of.act.reason.clone(),
    })?;
    small_runtime()?.block_on(carry_out(&args.of.act, Which::One, "mode", &body))?;
    Ok(ExitCode::SUCCESS)
}

//! `hotseat priority`: how much a node is preferred, whatever its file says.

use std::process::ExitCode;

use hotseat_client::SetPriority as Body;

use super::act::{Which, carry_out};
use super::{Result, small_runtime};
use crate::args::SetPriority;

pub(crate) fn run(args: &SetPriority) -> Result {
    let body = serde_json::to_value(Body {
        node: args.of.node.clone(),
        priority: args.priority,
        reason: args.of.act.reason.clone(),
    })?;
    small_runtime()?.block_on(carry_out(&args.of.act, Which::One, "priority", &body))?;
    Ok(ExitCode::SUCCESS)
}

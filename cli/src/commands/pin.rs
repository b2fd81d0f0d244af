//! `hotseat pin` and `unpin`: who is to lead as long as it can.

use std::process::ExitCode;

use hotseat_client::{Pin, Why};

use super::act::{Which, carry_out};
use super::{Result, small_runtime};
use crate::args::{PinTo, Unpin};

pub(crate) fn pin(args: &PinTo) -> Result {
    let body = serde_json::to_value(Pin { node: args.node.clone(), reason: args.act.reason.clone() })?;
    small_runtime()?.block_on(carry_out(&args.act, Which::One, "pin", &body))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn unpin(args: &Unpin) -> Result {
    let body = serde_json::to_value(Why { reason: args.act.reason.clone() })?;
    small_runtime()?.block_on(carry_out(&args.act, Which::One, "unpin", &body))?;
    Ok(ExitCode::SUCCESS)
}

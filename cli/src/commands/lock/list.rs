//! `hotseat lock --list`: who holds which lock, and who waits.

use std::process::ExitCode;

use comfy_table::{Table, presets};
use hotseat_client::{Lock as Known, LockParty, LockSeat};

use super::super::{Result, explain, small_runtime};
use crate::args::Lock;
use crate::say::say_line;

pub(super) fn run(args: &Lock) -> Result {
    let locks = small_runtime()?.block_on(async {
        let client = args.target.client()?;
        client.locks().await.map_err(explain)
    })?;
    let locks: Vec<_> = match &args.name {
        Some(name) => locks.into_iter().filter(|lock| lock.name == *name).collect(),
        None => locks,
    };
    if args.json {
        say_line(serde_json::to_string_pretty(&locks)?)?;
    } else {
        say_line(table(&locks))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is held or waited for; a lock that is free is not worth a line.
fn table(locks: &[Known]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["LOCK", "SEAT", "EPOCH", "HOLDER", "SINCE", "WAITING"]);
    let mut rows = 0;
    for lock in locks {
        for (seat, waiting) in rows_of(lock) {
            rows += 1;
            table.add_row([
                lock.name.clone(),
                seat.seat.to_string(),
                seat.epoch.to_string(),
                seat.holder.as_ref().map_or_else(|| String::from("–"), party),
                seat.since.clone().unwrap_or_else(|| String::from("–")),
                waiting,
            ]);
        }
    }
    if rows == 0 { String::from("no lock is held") } else { table.trim_fmt() }
}

/// Everybody who waits is named once, beside the first seat.
fn rows_of(lock: &Known) -> impl Iterator<Item = (&LockSeat, String)> {
    let waiting: Vec<_> = lock.waiting.iter().map(party).collect();
    let busy = lock.seats.iter().filter(|seat| seat.holder.is_some() || (seat.seat == 0 && !lock.waiting.is_empty()));
    let text = if waiting.is_empty() { String::from("–") } else { waiting.join(", ") };
    busy.enumerate().map(move |(at, seat)| (seat, if at == 0 { text.clone() } else { String::from("–") }))
}

fn party(party: &LockParty) -> String {
    party.pid.map_or_else(|| party.node.clone(), |pid| format!("{} (pid {pid})", party.node))
}

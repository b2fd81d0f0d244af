//! The sections of the report.

use std::fmt::Write as _;
use std::time::Duration;

use super::endpoints::{self, Endpoint};
use super::load::{CONNECTIONS, Load, ROUNDS};
use super::{Front, faults};
use crate::fault::Fault;
use crate::stats::{Series, ms};

/// What is aimed at: how long a client may be stalled, at p99, and whether anything idempotent may fail.
const fn stall_max(fault: Fault) -> Duration {
    match fault {
        Fault::Switchover => Duration::from_millis(50),
        _ => Duration::from_millis(150),
    }
}

/// Of HAProxy's rate, and of its memory.
const RATE_MIN: f64 = 0.9;

/// Said in all of them.
const SHARED: &str = "Clients, proxies and services share these cores.";

/// Faults, as clients see them.
pub(crate) fn faults(all: &[faults::Result], stamp: &str) -> String {
    let mut text = format!("## Clients through a fault\n\n{stamp}\n\n{SHARED} ");
    text.push_str(
        "Three nodes, `fast`, hot standby, the demo service, store in memory. Two clients at once, each a thousand \
         `GET` a second over kept connections, none tried again by the client: one through a surviving node's proxy, one through \
         HAProxy in front of the same services, `httpchk GET /leader/web`, `inter 200ms fall 1 rise 1`. **stall**: the longest \
         wait of a request that was answered, or the longest time in which none was; in ms, per trial.\n\n\
         | fault | proxy | n | requests | failed | trials with failures | stall p50 | p99 | max | aim | |\n\
         | --- | --- | --: | --: | --: | --: | --: | --: | --: | --- | --- |\n",
    );
    for result in all {
        let stalls: Series = result.seen.iter().map(|seen| seen.stall).collect();
        let failed: usize = result.seen.iter().map(|seen| seen.failed).sum();
        let (aim, mark) = match result.front {
            Front::Hotseat => {
                let limit = stall_max(result.fault);
                let short = failed > 0 || stalls.percentile(99) > limit;
                (format!("0 failed, p99 ≤ {}", limit.as_millis()), if short { "✗" } else { "" })
            }
            Front::Haproxy | Front::Direct => (String::from("–"), ""),
        };
        let [p50, p99, max] = [50, 99, 100].map(|percent| ms(stalls.percentile(percent)));
        writeln!(
            text,
            "| {} | {} | {} | {} | {failed} | {} | {p50} | {p99} | {max} | {aim} | {mark} |",
            result.fault.title(),
            result.front.title(),
            result.seen.len(),
            result.seen.iter().map(|seen| seen.asked).sum::<usize>(),
            result.seen.iter().filter(|seen| seen.failed > 0).count(),
        )
        .expect("writing to memory");
    }
    text
}

/// What a proxy carries.
pub(crate) fn load(all: &[Load], stamp: &str) -> String {
    let mut text = format!("## Throughput of a proxy\n\n{stamp}\n\n{SHARED} ");
    write!(
        text,
        "{CONNECTIONS} kept connections, each asks again once it is answered; a service that answers 12 bytes; {ROUNDS} \
         rounds in turn, the one in the middle counts. \"none\" is the service without a proxy: what the client can do. Memory: \
         what a connection adds to the resident memory of a fresh process. Aim: ≥ {RATE_MIN} of HAProxy's rate.\n\n\
         | mode | proxy | requests/s | of HAProxy | p50 ms | p99 ms | broken | KiB a connection | |\n\
         | --- | --- | --: | --: | --: | --: | --: | --: | --- |\n"
    )
    .expect("writing to memory");
    for one in all {
        let seen = one.median();
        let rival = all.iter().find(|it| it.mode == one.mode && it.front == Front::Haproxy).map(|it| it.median().rate);
        let share = rival.map(|rate| seen.rate / rate);
        let short = one.front == Front::Hotseat && (share.is_some_and(|share| share < RATE_MIN) || seen.broken > 0);
        writeln!(
            text,
            "| {} | {} | {:.0} | {} | {} | {} | {} | {} | {} |",
            one.mode,
            one.front.title(),
            seen.rate,
            share.map_or(String::from("–"), |share| format!("{share:.2}")),
            ms(seen.waits.percentile(50)),
            ms(seen.waits.percentile(99)),
            seen.broken,
            one.memory.map_or(String::from("–"), |kb| format!("{kb:.1}")),
            if short { "✗" } else { "" },
        )
        .expect("writing to memory");
    }
    text
}

/// What load balancers hear.
pub(crate) fn endpoints(all: &[Endpoint], stamp: &str) -> String {
    let mut text = format!("## Health endpoints while the store hangs\n\n{stamp}\n\n{SHARED} ");
    write!(
        text,
        "`GET /leader/web` at the agent that led, {} kept connections, each asks again once it is \
         answered. Every answer counts, also a 503: what is asked is whether it comes.\n\n\
         | store | state | requests/s | p50 ms | p99 ms | max ms | unanswered |\n\
         | --- | --- | --: | --: | --: | --: | --: |\n",
        endpoints::CONNECTIONS
    )
    .expect("writing to memory");
    for Endpoint { store, state, seen } in all {
        let [p50, p99, max] = [50, 99, 100].map(|percent| ms(seen.waits.percentile(percent)));
        let (store, broken) = (store.word(), seen.broken);
        writeln!(text, "| `{store}` | {state} | {:.0} | {p50} | {p99} | {max} | {broken} |", seen.rate)
            .expect("writing to memory");
    }
    text
}

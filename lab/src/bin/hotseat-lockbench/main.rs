//! What a lock is for, counted: five clients take turns at a counter, and holders are paused for longer than their lease.
//!
//! ```text
//! hotseat-lockbench [--increments N] [--store dir|raft]
//! ```
//! Each increment is a read and a write, at two registers: one refuses what comes under an epoch smaller than the newest
//! it has seen, the other takes everything. An increment that was taken and is not in the value at the end was lost.
//! Every second pause stops the holder and all that watches over it, as a paused machine would, and lets the command go
//! on first: the worst order there is.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on stops")]

mod counter;
mod pause;
mod writer;

use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec, program};

use counter::Counter;

const CLIENTS: usize = 5;
const USAGE: &str = "hotseat-lockbench [--increments N] [--store dir|raft]";

/// Between two pauses, and how long each is: more than ttl·(1+ε) of `lan`, so that others have the lock meanwhile.
const PAUSE_EVERY: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(3500);

/// What the clients have in common.
struct Run {
    over: AtomicBool,
    tenures: AtomicU64,
    lost: AtomicU64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [first, fenced, open] = words.as_slice()
        && first == "writer"
    {
        return writer::run(fenced, open);
    }
    let Some((increments, store)) = parse(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    measure(increments, store)
}

fn parse(words: &[String]) -> Option<(u64, Store)> {
    let (mut increments, mut store) = (100_000, Store::Dir);
    for pair in words.chunks(2) {
        match pair {
            [name, value] if name == "--increments" => increments = value.parse().ok()?,
            [name, value] if name == "--store" => store = Store::named(value)?,
            _ => return None,
        }
    }
    Some((increments, store))
}

fn measure(increments: u64, store: Store) -> ExitCode {
    let cluster = Cluster::settled(Spec::demo().store(store));
    let (fenced, open) = (Counter::start(true), Counter::start(false));
    let run = Run { over: AtomicBool::new(false), tenures: AtomicU64::new(0), lost: AtomicU64::new(0) };
    let began = Instant::now();
    let pauses = std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let node = &cluster.nodes()[client % cluster.nodes().len()];
            let words = [fenced.address(), open.address()];
            let run = &run;
            scope.spawn(move || take_turns(node, &words, run));
        }
        let mut pauses = 0;
        while open.taken() < increments {
            std::thread::sleep(PAUSE_EVERY);
            pauses += usize::from(pause::holder(pauses % 2 == 1, PAUSE));
        }
        run.over.store(true, Ordering::Relaxed);
        pauses
    });
    println!(
        "{} increments in {:.0?} by {CLIENTS} clients, store {}; {} turns, {} pauses of {PAUSE:?}, {} holders killed",
        open.taken(),
        began.elapsed(),
        store.word(),
        run.tenures.load(Ordering::Relaxed),
        pauses,
        run.lost.load(Ordering::Relaxed),
    );
    println!("lost updates: {} without a fence, {} with the epoch checked", open.lost(), fenced.lost());
    println!("writes refused by the fence: {}", fenced.refused());
    if fenced.lost() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Holds the lock again and again, through the agent of this node.
fn take_turns(node: &Node, registers: &[String; 2], run: &Run) {
    let this = std::env::current_exe().unwrap();
    while !run.over.load(Ordering::Relaxed) {
        let mut lock = Command::new(program::hotseat());
        lock.args(["lock", "counter", "--url", &node.url(), "--"]).arg(&this).arg("writer").args(registers);
        let ended = lock.stdin(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        run.tenures.fetch_add(1, Ordering::Relaxed);
        if ended.code() == Some(123) {
            run.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

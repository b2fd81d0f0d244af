//! What holds the lock: increments both counters, one after the other, for a while.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::ExitCode;

/// Increments in one turn; then others may.
const TURN: u32 = 400;

pub(crate) fn run(fenced: &str, open: &str) -> ExitCode {
    let epoch: u64 = std::env::var("HOTSEAT_EPOCH").ok().and_then(|epoch| epoch.parse().ok()).expect("under a lock");
    let mut registers = [fenced, open].map(|address| BufReader::new(TcpStream::connect(address).unwrap()));
    for register in &registers {
        register.get_ref().set_nodelay(true).unwrap();
    }
    for _ in 0..TURN {
        // All reads before all writes: a pause in between is what a lock has to be good for.
        let values: Vec<Option<u64>> =
            registers.iter_mut().map(|register| ask(register, &format!("read {epoch}\n")).parse().ok()).collect();
        for (register, value) in registers.iter_mut().zip(values) {
            if let Some(value) = value {
                ask(register, &format!("write {epoch} {}\n", value + 1));
            }
        }
    }
    ExitCode::SUCCESS
}

fn ask(register: &mut BufReader<TcpStream>, line: &str) -> String {
    register.get_mut().write_all(line.as_bytes()).unwrap();
    let mut answer = String::new();
    register.read_line(&mut answer).unwrap();
    answer.trim().to_owned()
}

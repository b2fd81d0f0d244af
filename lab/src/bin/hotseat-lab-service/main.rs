//! The laboratory's service: a program to be protected that writes to both registers as long as it acts, and answers
//! HTTP as the demo service does: 200 with its node and epoch while it acts, 503 otherwise; `/healthz` always 200.
//!
//! ```text
//! hotseat-lab-service --listen HOST:PORT --fenced HOST:PORT --open HOST:PORT [--node NAME] [--vip ADDRESS]
//! ```
//! Under Hotseat it follows its socket. Under `etcdctl lock` it acts for as long as it lives, and the lock's revision is
//! its epoch. With `--vip` it acts whenever this host has that address, without an epoch, as keepalived's services do.
#![allow(clippy::unwrap_used, reason = "a service that cannot go on ends")]

mod answer;
mod role;

use std::net::{IpAddr, SocketAddr, TcpListener};

use hotseat_lab::writer::write_on;
use role::Role;

#[derive(Debug, Default)]
struct Args {
    listen: Option<SocketAddr>,
    registers: Vec<SocketAddr>,
    node: Option<String>,
    vip: Option<IpAddr>,
}

fn main() {
    let args = parse(std::env::args().skip(1)).unwrap_or_else(|why| panic!("{why}"));
    let listen = args.listen.expect("--listen HOST:PORT");
    let listener = TcpListener::bind(listen).unwrap_or_else(|error| panic!("{listen}: {error}"));
    let role = Role::new(args.node, args.vip);
    for register in args.registers {
        let role = role.clone();
        std::thread::spawn(move || write_on(register, &role));
    }
    role.clone().follow();
    answer::serve(&listener, &role);
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args::default();
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let address = || value.parse().map_err(|_| format!("{word} {value}: not HOST:PORT"));
        match word.as_str() {
            "--listen" => args.listen = Some(address()?),
            "--fenced" | "--open" => args.registers.push(address()?),
            "--node" => args.node = Some(value),
            "--vip" => args.vip = Some(value.parse().map_err(|_| format!("--vip {value}: not an address"))?),
            _ => return Err(format!("what is {word}?")),
        }
    }
    Ok(args)
}

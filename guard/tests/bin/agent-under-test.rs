//! An agent to be killed by the tests: holds a guard, starts one command, moves the deadline on, and says on its
//! standard output what the guard reports, one line each.
//!
//! Its node is called by the first letters of its session, so that no test sweeps another's.
//!
//! `agent-under-test GUARD SESSION auto|tree PEER|- DEADLINE_MS LINGER_MS -- COMMAND ...`

use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::Duration;

use hotseat_guard::{Address, Command, Containment, Guard, Report, Settings, Start, boottime};

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let session = u128::from_str_radix(&args[1], 16).expect("SESSION in hex").to_be_bytes();
    let mut settings = Settings::new("lab", &args[1][..8], session);
    settings.containment = if args[2] == "tree" { Containment::Tree } else { Containment::Auto };
    settings.peers = args[3].parse().into_iter().collect();
    settings.addresses = !addresses().is_empty();
    let deadline = Duration::from_millis(args[4].parse().expect("DEADLINE_MS"));
    settings.linger = Duration::from_millis(args[5].parse().expect("LINGER_MS"));
    let guard = Guard::spawn(args[0].as_ref(), &settings)?;
    if std::env::var_os("SHARE_SOCKET").is_some() {
        // A child that keeps the socket open, as a careless fork might; it ends by itself, after the test.
        let socket = guard.fd().try_clone_to_owned()?;
        let mut child = std::process::Command::new("sleep");
        child
            .arg("25")
            .env_clear()
            .current_dir("/")
            .stdin(socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
    }
    let start = Start {
        slot: 1,
        name: "under-test".into(),
        argv: args[7..].iter().map(Into::into).collect(),
        env: std::env::vars_os().collect(),
        cwd: None,
    };
    extend(&guard, deadline)?;
    for address in addresses() {
        let seconds = std::env::var("SECONDS_LEFT").expect("for RAISE").parse().expect("SECONDS_LEFT");
        guard.send(&Command::Raise { address, seconds }, None)?;
    }
    guard.send(&Command::Start(start), Some(std::io::stderr().as_fd()))?;
    loop {
        while let Some(report) = guard.receive()? {
            // Addresses are looked for where they are, on the interface.
            if !matches!(report, Report::Raised { errno: 0, .. }) {
                println!("{}", line(&report));
            }
        }
        std::thread::sleep(Duration::from_millis(2));
        extend(&guard, deadline)?;
    }
}

/// `RAISE` in the environment: `INTERFACE=IP/PREFIX`, with spaces between several.
fn addresses() -> Vec<Address> {
    let all = std::env::var("RAISE").unwrap_or_default();
    let one = |text: &str| {
        let (interface, rest) = text.split_once('=')?;
        let (ip, prefix) = rest.split_once('/')?;
        Some(Address { interface: interface.parse().ok()?, ip: ip.parse().ok()?, prefix: prefix.parse().ok()? })
    };
    all.split_ascii_whitespace().map(|text| one(text).expect("RAISE")).collect()
}

fn extend(guard: &Guard, by: Duration) -> std::io::Result<()> {
    let by = u64::try_from(by.as_nanos()).expect("fits");
    guard.send(&Command::Deadline { at: boottime() + by }, None)
}

fn line(report: &Report) -> String {
    match report {
        Report::Hello { proof_hash, containment, memory_locked, pid } => {
            let hash: String = proof_hash.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("hello {pid} {hash} {containment:?} {memory_locked}")
        }
        Report::Started { pid, .. } => format!("started {pid}"),
        other => format!("{other:?}"),
    }
}

//! The messages: whatever is written is read back, and whatever else arrives is an error and nothing worse.
#![allow(missing_docs, clippy::unwrap_used)]

use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use hotseat_guard::{
    Address, Command, Contained, Containment, Malformed, Report, SECONDS_MAX, Settings, Start, Trigger, Word,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn string() -> impl Strategy<Value = OsString> {
    vec(1_u8..=255, 0..40).prop_map(OsString::from_vec)
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ./%é-]{0,30}"
}

fn peer() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<Ipv4Addr>(), any::<u16>()).prop_map(SocketAddr::from),
        (any::<Ipv6Addr>(), any::<u16>(), any::<u32>(), any::<u32>())
            .prop_map(|(ip, port, flow, scope)| SocketAddrV6::new(ip, port, flow, scope).into()),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let watchdog = proptest::option::of(string().prop_map(Into::into));
    let flags = (any::<bool>(), any::<bool>());
    (name(), name(), any::<[u8; 16]>(), flags, any::<u64>(), any::<u64>(), vec(peer(), 0..64), watchdog).prop_map(
        |(cluster, node, session, (tree, addresses), linger, budget, peers, watchdog)| Settings {
            cluster,
            node,
            session,
            containment: if tree { Containment::Tree } else { Containment::Auto },
            linger: Duration::from_nanos(linger),
            budget: Duration::from_nanos(budget),
            peers,
            watchdog,
            addresses,
        },
    )
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        (1..=i32::MAX as u32, any::<Ipv4Addr>(), 0..=32_u8).prop_map(|(interface, ip, prefix)| Address {
            interface,
            ip: ip.into(),
            prefix
        }),
        (1..=i32::MAX as u32, any::<Ipv6Addr>(), 0..=128_u8).prop_map(|(interface, ip, prefix)| Address {
            interface,
            ip: ip.into(),
            prefix
        }),
    ]
}

fn start() -> impl Strategy<Value = Start> {
    let variable = ("[A-Z_a-z0-9]{1,12}".prop_map(OsString::from), string());
    let argv =
        (vec(1_u8..=255, 1..40).prop_map(OsString::from_vec), vec(string(), 0..8)).prop_map(|(command, mut rest)| {
            rest.insert(0, command);
            rest
        });
    (any::<u32>(), name(), argv, vec(variable, 0..12), proptest::option::of(string().prop_map(Into::into)))
        .prop_map(|(slot, name, argv, env, cwd)| Start { slot, name, argv, env, cwd })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        settings().prop_map(Command::Setup),
        any::<u64>().prop_map(|at| Command::Deadline { at }),
        vec(peer(), 0..=64).prop_map(Command::Peers),
        start().prop_map(Command::Start),
        (any::<u32>(), 1..=64_i32).prop_map(|(slot, signo)| Command::Signal { slot, signo }),
        any::<u32>().prop_map(|slot| Command::Kill { slot }),
        (address(), 1..=SECONDS_MAX).prop_map(|(address, seconds)| Command::Raise { address, seconds }),
        address().prop_map(|address| Command::Lower { address }),
        Just(Command::End),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    prop_oneof![
        (any::<[u8; 32]>(), any::<bool>(), any::<bool>(), any::<u32>()).prop_map(
            |(proof_hash, tree, memory_locked, pid)| {
                let containment = if tree { Contained::Tree } else { Contained::Cgroup };
                Report::Hello { proof_hash, containment, memory_locked, pid }
            }
        ),
        any::<i32>().prop_map(|errno| Report::Unfit { errno }),
        (any::<u32>(), any::<u32>()).prop_map(|(slot, pid)| Report::Started { slot, pid }),
        (any::<u32>(), any::<i32>()).prop_map(|(slot, errno)| Report::StartFailed { slot, errno }),
        (any::<u32>(), any::<Option<i32>>(), any::<Option<i32>>()).prop_map(|(slot, code, signal)| Report::Exited {
            slot,
            code,
            signal
        }),
        any::<u32>().prop_map(|slot| Report::Gone { slot }),
        (address(), any::<i32>()).prop_map(|(address, errno)| Report::Raised { address, errno }),
        address().prop_map(|address| Report::Lowered { address }),
        Just(Report::Overdue),
        any::<[u8; 32]>().prop_map(|secret| Report::Proof { secret }),
    ]
}

fn trigger() -> impl Strategy<Value = Option<Trigger>> {
    prop_oneof![Just(None), Just(Some(Trigger::Agent)), Just(Some(Trigger::Lease)), Just(Some(Trigger::Order))]
}

proptest! {
    #[test]
    fn a_command_is_read_back(command in command()) {
        prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
    }

    #[test]
    fn a_report_is_read_back(report in report()) {
        prop_assert_eq!(Report::decode(&report.encode()), Ok(report));
    }

    #[test]
    fn a_word_is_read_back(session: [u8; 16], secret: [u8; 32], cluster in name(), node in name(), trigger in trigger()) {
        let word = Word { session, secret, cluster, node, trigger };
        prop_assert_eq!(Word::decode(&word.encode()), Some(word));
    }

    #[test]
    fn a_torn_command_is_an_error(command in command(), cut in 0.0..1.0_f64) {
        let packet = command.encode();
        let len = (packet.len() as f64 * cut) as usize;
        prop_assert!(Command::decode(&packet[..len]).is_err());
    }

    #[test]
    fn a_longer_command_is_an_error(command in command(), more in vec(any::<u8>(), 1..9)) {
        prop_assert_eq!(Command::decode(&[command.encode(), more].concat()), Err(Malformed::Trailing));
    }

    #[test]
    fn a_damaged_message_never_panics(command in command(), report in report(), at: prop::sample::Index, byte: u8) {
        for mut packet in [command.encode(), report.encode()] {
            let at = at.index(packet.len());
            packet[at] = byte;
            let _ = Command::decode(&packet);
            let _ = Report::decode(&packet);
            let _ = Word::decode(&packet);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut packet in vec(any::<u8>(), 0..300), kind in 0_u8..10) {
        let _ = Word::decode(&packet);
        let _ = Word::decode(&[hotseat_guard::MAGIC.as_slice(), &packet].concat());
        for start in [vec![], vec![1, kind]] {
            packet.splice(0..0, start);
            let _ = Command::decode(&packet);
            let _ = Report::decode(&packet);
        }
    }
}

#[test]
fn what_is_over_a_bound_is_refused() {
    let check = |command: Command, error: Malformed| assert_eq!(Command::decode(&command.encode()), Err(error));
    let start = |change: fn(&mut Start)| {
        let mut start = Start { argv: vec!["a".into()], ..Start::default() };
        change(&mut start);
        Command::Start(start)
    };
    check(Command::Peers(vec!["1.2.3.4:5".parse().unwrap(); 65]), Malformed::TooLong);
    check(Command::Setup(Settings::new("x".repeat(65), "n", [0; 16])), Malformed::TooLong);
    check(start(|start| start.argv = vec!["a".into(); 9000]), Malformed::TooLong);
    check(start(|start| start.argv = vec!["a".into(), "b\0".into()]), Malformed::Value);
    check(start(|start| start.argv = vec!["".into()]), Malformed::Value);
    check(start(|start| start.env = vec![("".into(), "a".into())]), Malformed::Value);
    check(start(|start| start.cwd = Some("x".repeat(5000).into())), Malformed::TooLong);
    check(Command::Signal { slot: 1, signo: 65 }, Malformed::Value);
    assert_eq!(Command::decode(&[2, 7]), Err(Malformed::Version));
    assert_eq!(Command::decode(&[1, 99]), Err(Malformed::Kind));
    assert_eq!(Command::decode(&[]), Err(Malformed::Torn));
}

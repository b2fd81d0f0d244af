//! Compare and swap, side by side: three nodes with a disk under them, the same number of clients, the same bytes, the same
//! HTTP. Every client has a record of its own, and each write of it goes by the version that the last one made.
//!
//! The clients of a node are on its host, as `hotseat lock` is, and as each `etcdctl` of the contest is. Hotseat is asked for
//! what `hotseat lock` asks it for, and judges each write by its law; etcd is asked through its own JSON gateway.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::etcd::Servers;
use super::{NODES, System};
use crate::cluster::Cluster;
use crate::line::Line;
use crate::net::{Net, address};
use crate::spec::{Spec, Store};
use crate::{CEILING, poll};

/// Longer than any write takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

/// Written by every client before it counts: connections are there then, and the record is.
const WARM: u64 = 20;

/// What was seen of one round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Whose.
    pub system: System,
    /// From the first write that counts to the last.
    pub over: Duration,
    /// How long each write took.
    pub waits: Vec<Duration>,
    /// Bytes of a record.
    pub bytes: usize,
}

/// Has so many clients write for so long, everything of the store in a folder of `place`.
#[must_use]
pub fn swap(system: System, place: &str, clients: usize, length: Duration) -> Round {
    let record = record();
    let bytes = varied(&record, u64::MAX).len();
    let run = |net: &Net, face: &dyn Face| {
        let begin = Barrier::new(clients);
        std::thread::scope(|scope| {
            let client = |client: usize| {
                let (begin, record) = (&begin, &record);
                let host = net.host(client % NODES + 1);
                scope.spawn(move || host.within(|| write(face, client, record, begin, length)))
            };
            let all: Vec<_> = (0..clients).map(client).collect();
            all.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let seen = match system {
        System::Hotseat(timing) => {
            // A service that costs nothing: the store alone is measured.
            let spec = Spec::of("sleep infinity").portless().apart().store(Store::Raft).place(place);
            let cluster = Cluster::settled(spec.cluster("timing", &format!("\"{timing}\"")));
            run(cluster.net(), &Locks)
        }
        System::Etcd => {
            let servers = Servers::start(place);
            run(servers.net(), &Gateway)
        }
        System::Keepalived(_) => panic!("keepalived keeps no records"),
    };
    let over = seen.iter().map(|(over, _)| *over).max().unwrap_or_default();
    Round { system, over, waits: seen.into_iter().flat_map(|(_, waits)| waits).collect(), bytes }
}

/// Writes one record again and again; how long that took in all, and each time.
fn write(
    face: &dyn Face,
    client: usize,
    record: &Value,
    begin: &Barrier,
    length: Duration,
) -> (Duration, Vec<Duration>) {
    let at = face.at(client % NODES + 1);
    let mut line = poll(CEILING, || Line::open(at, LIMIT).ok()).unwrap_or_else(|| panic!("{at} does not answer"));
    let mut one = |version: u64| {
        let text = varied(record, version);
        let asked = Instant::now();
        let (status, said) = face.put(&mut line, client, version, &text);
        let took = asked.elapsed();
        assert!(status == 200 && face.applied(&said, version + 1), "version {version} of {client}: {status} {said}");
        took
    };
    (0..WARM).for_each(|version| _ = one(version));
    begin.wait();
    let (began, mut waits) = (Instant::now(), Vec::new());
    while began.elapsed() < length {
        waits.push(one(WARM + waits.len() as u64));
    }
    (began.elapsed(), waits)
}

/// The record that a lock leaves when it is let go: nobody has it, so anybody may write it.
fn record() -> Value {
    let leadership = json!({
        "epoch": 1, "leader": null, "serving": false, "service": null, "next": null, "avoid": null, "reason": { "kind": "first" },
    });
    json!({ "hotseat": 1, "by": "", "record": leadership })
}

/// Its text, unlike that of any other version, and as long.
fn varied(record: &Value, version: u64) -> String {
    let mut record = record.clone();
    record["by"] = json!(format!("bench, version {version:020}"));
    record.to_string()
}

/// How a store is asked.
trait Face: Sync {
    /// Where the node of this number listens.
    fn at(&self, number: usize) -> SocketAddr;
    /// Replaces version `expect` of a client's record, 0 if there is none; status and body of the answer.
    fn put(&self, line: &mut Line, client: usize, expect: u64, text: &str) -> (u16, String);
    /// Whether an answer says that the write stands, as this version.
    fn applied(&self, said: &str, version: u64) -> bool;
}

fn ask(line: &mut Line, method: &str, path: &str, body: &Value) -> (u16, String) {
    line.ask(method, path, &body.to_string()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// As `hotseat lock` asks the agent on its machine.
struct Locks;

impl Face for Locks {
    fn at(&self, number: usize) -> SocketAddr {
        SocketAddr::new(address(number), 7700)
    }

    fn put(&self, line: &mut Line, client: usize, expect: u64, text: &str) -> (u16, String) {
        let mut body = json!({ "nonce": format!("{client:012x}{expect:020x}"), "body": text });
        if expect > 0 {
            body["expect"] = json!(expect);
        }
        ask(line, "PUT", &format!("/api/lock/records/group/lock.0.bench-{client}"), &body)
    }

    fn applied(&self, said: &str, version: u64) -> bool {
        serde_json::from_str::<Value>(said).is_ok_and(|said| said["applied"] == version)
    }
}

/// etcd's JSON gateway: a transaction of one comparison and one write.
struct Gateway;

impl Face for Gateway {
    fn at(&self, number: usize) -> SocketAddr {
        SocketAddr::new(address(number), 2379)
    }

    fn put(&self, line: &mut Line, client: usize, expect: u64, text: &str) -> (u16, String) {
        let key = BASE64.encode(format!("bench-{client}"));
        let compare = json!({ "key": key, "target": "VERSION", "result": "EQUAL", "version": expect.to_string() });
        let put = json!({ "requestPut": { "key": key, "value": BASE64.encode(text) } });
        ask(line, "POST", "/v3/kv/txn", &json!({ "compare": [compare], "success": [put] }))
    }

    fn applied(&self, said: &str, _: u64) -> bool {
        serde_json::from_str::<Value>(said).is_ok_and(|said| said["succeeded"] == true)
    }
}

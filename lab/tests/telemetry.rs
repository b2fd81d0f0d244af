//! Traces of a change of leader reach a collector that speaks OTLP over HTTP: here, a few lines that understand it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Spec};
use serde_json::Value;

/// What was sent to it, request by request.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Value>>>);

impl Collector {
    fn start() -> (SocketAddr, Self) {
        let (listener, collector) = (TcpListener::bind("127.0.0.1:0").unwrap(), Self::default());
        let (at, taken) = (listener.local_addr().unwrap(), collector.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let taken = taken.clone();
                std::thread::spawn(move || taken.serve(&stream.unwrap()));
            }
        });
        (at, collector)
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((head, body)) = request(&mut reader) {
            assert!(head.starts_with("POST /v1/traces "), "{head}");
            assert!(head.to_ascii_lowercase().contains("content-type: application/json"), "{head}");
            self.0.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            let mut stream = stream;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                .unwrap();
        }
    }

    fn spans(&self) -> Vec<Value> {
        let requests = self.0.lock().unwrap();
        let resources = requests.iter().flat_map(|request| request["resourceSpans"].as_array().unwrap().clone());
        let scopes = resources.flat_map(|it| it["scopeSpans"].as_array().unwrap().clone());
        scopes.flat_map(|it| it["spans"].as_array().unwrap().clone()).collect()
    }
}

fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn named<'a>(spans: &'a [Value], name: &str) -> Option<&'a Value> {
    spans.iter().find(|span| span["name"] == name)
}

#[test]
fn a_switchover_is_one_trace_with_both_halves() {
    let (at, collector) = Collector::start();
    let spec = Spec::demo().store(Store::Raft).hot().proxy("30s");
    let cluster = Cluster::settled(spec.telemetry("otlp", &format!("\"http://{at}\"")));
    let old = cluster.settle();
    let new = cluster.others(old).next().unwrap();
    let done = old.cli(&["switchover", "--to", &new.name, "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let root = format!("web: {} takes over from {}", new.name, old.name);
    let half = format!("web: {} hands over", old.name);
    let spans = cluster.wait_for("both halves of the trace", |_| {
        let spans = collector.spans();
        (named(&spans, &root).is_some() && named(&spans, &half).is_some()).then_some(spans)
    });
    let trace = &named(&spans, &root).unwrap()["traceId"];
    let spans: Vec<_> = spans.iter().filter(|span| span["traceId"] == *trace).cloned().collect();
    for phase in ["claim", "claimed", "ready", "announced", "order", "drained", "released"] {
        let span = named(&spans, phase).unwrap_or_else(|| panic!("no span {phase} in {spans:#?}"));
        let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{span}");
    }
    assert_eq!(named(&spans, &half).unwrap()["parentSpanId"], named(&spans, &root).unwrap()["spanId"]);
}

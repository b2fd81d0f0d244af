//! A change of leader as OTLP's JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.
//!
//! Numbers of traces and spans follow from the cluster, the group and the epoch, so that two nodes that tell the two halves
//! of one change tell of the same trace without a word between them.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use hotseat_client::story::{Ended, Leadership, Phase};
use serde_json::{Value, json};

use super::Tale;

/// Of OTLP's `SpanKind`: what happens inside.
const INTERNAL: u32 = 1;

/// Who tells.
#[derive(Clone, Debug)]
pub(super) struct Traced {
    pub(super) cluster: String,
    pub(super) node: String,
}

/// Which change it is about.
struct Change<'a> {
    traced: &'a Traced,
    group: &'a str,
    /// The epoch that begins with it.
    epoch: u64,
}

impl Traced {
    /// The body of a request to a collector.
    pub(super) fn request(&self, tale: &Tale) -> Value {
        let spans = match tale {
            Tale::Rise(group, it) => Change { traced: self, group, epoch: it.epoch }.rise(it),
            Tale::Fall(group, epoch, end) => Change { traced: self, group, epoch: epoch + 1 }.fall(end),
        };
        let about = [
            text("service.name", "hotseat"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.namespace", &self.cluster),
            text("service.instance.id", &self.node),
        ];
        json!({"resourceSpans": [{
            "resource": {"attributes": about},
            "scopeSpans": [{"scope": {"name": "hotseat.story"}, "spans": spans}],
        }]})
    }
}

impl Change<'_> {
    fn hash(&self, what: &str, bytes: usize) -> String {
        let (cluster, group, epoch) = (&self.traced.cluster, self.group, self.epoch);
        let hash = digest(&SHA256, format!("{cluster}/{group}/{epoch}/{what}").as_bytes());
        hash.as_ref().iter().take(bytes).fold(String::new(), |mut text, byte| {
            let _fits = write!(text, "{byte:02x}");
            text
        })
    }

    fn root(&self) -> String {
        self.hash("change", 8)
    }

    fn rise(&self, it: &Leadership) -> Vec<Value> {
        let claimed = it.phases.iter().find(|phase| phase.name == "claimed").and_then(|phase| phase.at_ms);
        let began = it.began.as_deref().and_then(|at| humantime::parse_rfc3339(at).ok());
        let Some(zero) = began.zip(claimed).map(|(at, after)| at - Duration::from_millis(after)) else {
            return Vec::new();
        };
        let node = it.node.as_deref().unwrap_or_default();
        let name = match &it.from {
            Some(from) => format!("{}: {node} takes over from {from}", self.group),
            None => format!("{}: {node} takes the lead", self.group),
        };
        let mut about = vec![
            text("hotseat.group", self.group),
            text("hotseat.node", node),
            number("hotseat.epoch", self.epoch),
            text("hotseat.why", &it.why),
            text("hotseat.reason", &it.reason),
            json!({"key": "hotseat.planned", "value": {"boolValue": it.planned}}),
        ];
        about.extend(it.from.as_ref().map(|from| text("hotseat.from", from)));
        about.extend(it.outage_ms.map(|ms| number("hotseat.outage_ms", ms)));
        about.extend(
            it.waits.iter().map(|wait| wait.longest_ms).max().map(|ms| number("hotseat.clients_waited_ms", ms)),
        );
        let last = it.phases.iter().filter_map(|phase| phase.at_ms).max().unwrap_or(0);
        let root = self.span(self.root(), None, &name, (zero, 0, last), about);
        std::iter::once(root).chain(self.phases(&it.phases, zero, &self.root())).collect()
    }

    fn fall(&self, end: &Ended) -> Vec<Value> {
        let last = end.phases.iter().filter_map(|phase| phase.at_ms).max();
        let ended = humantime::parse_rfc3339(&end.at).ok();
        let Some((zero, last)) = ended.zip(last).map(|(at, last)| (at - Duration::from_millis(last), last)) else {
            return Vec::new();
        };
        let (id, name) = (self.hash("fall", 8), format!("{}: {} hands over", self.group, end.by));
        let about = vec![text("hotseat.node", &end.by), text("hotseat.reason", &end.reason)];
        let span = self.span(id.clone(), Some(self.root()), &name, (zero, 0, last), about);
        std::iter::once(span).chain(self.phases(&end.phases, zero, &id)).collect()
    }

    /// One span for each phase: from the one before to itself. What is not known has none.
    fn phases(&self, phases: &[Phase], zero: SystemTime, parent: &str) -> Vec<Value> {
        let mut before = 0;
        let known = phases.iter().filter_map(|phase| Some((phase, phase.at_ms?)));
        let span = |(phase, at): (&Phase, u64)| {
            let from = std::mem::replace(&mut before, at).min(at);
            let id = self.hash(&format!("{parent}/{}", phase.name), 8);
            let about = vec![text("hotseat.note", &phase.note)];
            self.span(id, Some(parent.to_owned()), &phase.name, (zero, from, at), about)
        };
        known.map(span).collect()
    }

    fn span(
        &self,
        id: String,
        parent: Option<String>,
        name: &str,
        (zero, from, to): (SystemTime, u64, u64),
        about: Vec<Value>,
    ) -> Value {
        let mut span = json!({
            "traceId": self.hash("trace", 16),
            "spanId": id,
            "name": name,
            "kind": INTERNAL,
            "startTimeUnixNano": nanos(zero, from),
            "endTimeUnixNano": nanos(zero, to),
            "attributes": about,
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = parent.into();
        }
        span
    }
}

/// 64-bit numbers are strings in OTLP's JSON.
fn nanos(zero: SystemTime, after: u64) -> String {
    let since = (zero + Duration::from_millis(after)).duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_nanos().to_string()
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(name: &str, at_ms: Option<u64>) -> Phase {
        Phase { name: name.into(), at_ms, note: format!("{name} it is") }
    }

    fn spans(tale: &Tale) -> Vec<Value> {
        let traced = Traced { cluster: "shop".into(), node: "n2".into() };
        let request = traced.request(tale);
        request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone()
    }

    #[test]
    fn both_halves_of_a_change_are_one_trace() {
        let rise = Leadership {
            epoch: 8,
            node: Some("n2".into()),
            from: Some("n1".into()),
            began: Some("2026-11-20T12:00:01.000Z".into()),
            phases: vec![phase("ceased", Some(0)), phase("deadline", None), phase("claimed", Some(40))],
            ..Leadership::default()
        };
        let end = Ended {
            at: "2026-11-20T12:00:00.990Z".into(),
            by: "n1".into(),
            phases: vec![phase("order", Some(0)), phase("released", Some(30))],
            ..Ended::default()
        };
        let rise = spans(&Tale::Rise("web".into(), Box::new(rise)));
        let fall = spans(&Tale::Fall("web".into(), 7, Box::new(end)));
        let all: Vec<_> = rise.iter().chain(&fall).collect();
        assert_eq!((rise.len(), fall.len()), (3, 3), "what is not known has no span");
        let trace = rise[0]["traceId"].as_str().expect("an id");
        assert_eq!(trace.len(), 32);
        assert!(all.iter().all(|span| span["traceId"] == trace));
        let parents: Vec<_> = all.iter().filter_map(|span| span["parentSpanId"].as_str()).collect();
        assert!(parents.iter().all(|parent| all.iter().any(|span| span["spanId"] == *parent)), "{parents:?}");
        assert_eq!(parents.len(), all.len() - 1, "one root");
        assert_eq!(rise[2]["startTimeUnixNano"], "1795176000960000000");
        assert_eq!(rise[2]["endTimeUnixNano"], "1795176001000000000");
        let mut ids: Vec<_> = all.iter().map(|span| span["spanId"].to_string()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all.len(), "each span has an id of its own");
    }
}

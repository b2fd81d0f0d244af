//! The document at `/api/openapi.json` against the running agent: a generator of hostile requests finds no error of the
//! server and no answer that is not described, and every field of every answer is.
#![allow(missing_docs, clippy::unwrap_used)]

use std::process::Command;

use hotseat_lab::spec::Store;
use hotseat_lab::{Cluster, Node, Spec, program};
use serde_json::Value;

/// Where `lab/install` puts it.
const SCHEMATHESIS: &str = "/var/tmp/hotseat-lab-venv/bin/schemathesis";

/// Not asked: they stop the agent, never end, hold each question up for seconds, or make tokens that nobody has then.
const LEFT_OUT: &str =
    "^/v1/server/shutdown$|^/api/lock/(changes|votes)$|^/api/elections/|^/api/(snapshot$|tokens)|persist/import$";

/// 503 is how load balancers are told no, and how anybody is told to come again; no other 5xx is in order.
const SETTINGS: &str = "[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", \"503\"]\n";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      response_headers_conformance";

fn document(node: &Node) -> Value {
    let answer = node.get("/api/openapi.json").unwrap();
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn hostile_requests_are_answered_as_described() {
    if !program::have(SCHEMATHESIS, "schemathesis: lab/install") {
        return;
    }
    let cluster = Cluster::settled(Spec::demo().nodes(1).store(Store::Raft));
    let node = cluster.leader();
    let agent = node.agent();
    let settings = node.path("schemathesis.toml");
    std::fs::write(&settings, SETTINGS).unwrap();
    let (settings, url) = (settings.display().to_string(), format!("{}/api/openapi.json", node.url()));
    let common = ["--config-file", &settings, "run", &url, "--checks", CHECKS, "--exclude-path-regex", LEFT_OUT];
    // The same requests each time: what is found today is found tomorrow.
    let bounds =
        ["--max-examples", "20", "--seed", "7", "--phases", "examples,coverage,fuzzing", "--request-timeout", "20"];
    // It keeps notes where it runs.
    let run =
        Command::new(SCHEMATHESIS).args([&common[..], &bounds].concat()).current_dir(&node.home).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    // Who leads is another matter: some of those requests were acts, and right.
    assert!(node.agent() == agent && node.runs() && node.picture().is_some(), "it goes on");
}

/// Fields of an answer that its schema does not name.
fn undescribed(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| undescribed(document, &schema["items"], item, &format!("{at}[]"), found));
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let at = format!("{at}.{name}");
                match (schema["properties"].get(name), schema.get("additionalProperties")) {
                    (Some(schema), _) => undescribed(document, schema, value, &at, found),
                    (None, Some(schema)) if schema.is_object() => undescribed(document, schema, value, &at, found),
                    (None, _) => found.push(at),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_field_is_described() {
    let cluster = Cluster::settled(
        Spec::demo().nodes(2).hot().store(Store::Raft).proxy("30s").checked().sync("paths", "[\"same\"]"),
    );
    let node = cluster.leader();
    let document = document(node);
    let mut found = Vec::new();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let item = item.get("$ref").map_or(item, |to| document.pointer(&to.as_str().unwrap()[1..]).unwrap());
        let schema = item.pointer("/get/responses/200/content/application~1json/schema");
        let there = path.replace("{group}", "web").replace("{netid}", "1");
        let Some(schema) = schema.filter(|schema| schema.get("properties").or(schema.get("$ref")).is_some()) else {
            continue;
        };
        let answer = node.get(&there).unwrap();
        assert_eq!(answer.status, 200, "{there}: {}", answer.body);
        asked += 1;
        undescribed(&document, schema, &serde_json::from_str(&answer.body).unwrap(), &there, &mut found);
    }
    assert!(asked >= 6, "only {asked} answers were looked at");
    assert!(found.is_empty(), "say in agent/src/api/openapi/*.json what these are: {found:#?}");
}

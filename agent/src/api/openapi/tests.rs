//! The document against the routes in the sources, and against itself. It starts no agent.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// Every `.route("PATH", METHODS)` in the sources of the API, as `METHOD PATH`.
fn routes_of(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            routes_of(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).expect("a source is text");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            code.split(".route(").skip(1).for_each(|rest| route(rest, found));
        }
    }
}

fn route(rest: &str, found: &mut BTreeSet<String>) {
    let Some((path, rest)) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')) else { return };
    let end = rest.find(';').unwrap_or(rest.len());
    for method in ["get", "post", "put", "delete", "options"] {
        let names = [format!(" {method}("), format!(".{method}("), format!("::{method}(")];
        if names.iter().any(|name| rest[..end].contains(name.as_str())) {
            found.insert(format!("{} {path}", method.to_ascii_uppercase()));
        }
    }
}

/// What a `$ref` of this document points to.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(to) => document.pointer(to.trim_start_matches('#')).unwrap_or_else(|| panic!("{to} points nowhere")),
        None => value,
    }
}

fn documented(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().expect("an object");
    let methods = |(path, item): (&String, &Value)| {
        let item = resolve(document, item).as_object().expect("an object").clone();
        let methods = item.into_iter().map(|(key, _)| key).filter(|key| key != "parameters");
        methods.map(|method| format!("{} {path}", method.to_ascii_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(methods).collect()
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let mut routes = BTreeSet::new();
    routes_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    let (routes, documented) = (served(routes), documented(&document()));
    let missing: Vec<_> = routes.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&routes).collect();
    assert!(missing.is_empty(), "say in agent/src/api/openapi/*.json what these are: {missing:?}");
    assert!(gone.is_empty(), "these are in agent/src/api/openapi/*.json and not in the router: {gone:?}");
}

/// What is for programs: without pages for people, the service's own socket, and what answers whatever is unknown.
fn served(routes: BTreeSet<String>) -> BTreeSet<String> {
    let api = ["/api/", "/v1/", "/v2/", "/health", "/leader/", "/standby/", "/metrics"];
    let is_api = |route: &String| {
        let path = route.split_once(' ').map_or("", |(_, path)| path);
        api.iter().any(|head| path.starts_with(head)) && !path.contains("{*")
    };
    routes.into_iter().filter(is_api).collect()
}

#[test]
fn every_reference_points_somewhere() {
    fn walk(document: &Value, value: &Value) {
        resolve(document, value);
        match value {
            Value::Object(map) => map.values().for_each(|value| walk(document, value)),
            Value::Array(list) => list.iter().for_each(|value| walk(document, value)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

//! The rules of the house, checked: which room may depend on which, where `unsafe` may stand, which licences
//! we ship, and that no crate comes twice. Each failure says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("lab/ has a parent").to_owned()
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// What each crate of ours depends on when it is shipped.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let ours = list(&metadata, "packages").iter().filter(|package| package["source"].is_null());
    ours.map(|package| {
        let shipped = list(package, "dependencies").iter().filter(|it| it["kind"].is_null());
        (text(package, "name").to_owned(), shipped.map(|it| text(it, "name").to_owned()).collect())
    })
    .collect()
}

#[test]
fn rooms_depend_only_on_what_they_may() {
    let dependencies = dependencies();
    let only = |room: &str, allowed: &[&str]| {
        let extra: Vec<_> = dependencies[room].iter().filter(|it| !allowed.contains(&it.as_str())).collect();
        assert!(extra.is_empty(), "{room} may not depend on {extra:?}: see ARCHITECTURE.md");
    };
    only("hotseat-core", &["serde", "sha2"]);
    only("hotseat-guard", &["getrandom", "libc", "rustix", "sha2"]);
    only("hotseat-sim", &["hotseat-core"]);
    let never = |room: &str, banned: &[&str]| {
        let found: Vec<_> = banned.iter().filter(|it| dependencies[room].contains(**it)).collect();
        assert!(found.is_empty(), "{room} may not depend on {found:?}: see ARCHITECTURE.md");
    };
    never("hotseat-client", &["hotseat-core", "hotseat-agent", "hotseat-guard", "hotseat-stores"]);
    never("hotseat-stores", &["hotseat-core", "hotseat-agent", "hotseat-guard", "hotseat-client"]);
    never("hotseat", &["hotseat-core", "hotseat-sim", "hotseat-lab"]);
    never("hotseat-agent", &["hotseat-sim", "hotseat-lab"]);
}

fn sources(room: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(room).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a room has sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn files_with(room: &str, needle: &str) -> Vec<PathBuf> {
    let has = |path: &PathBuf| fs::read_to_string(path).expect("a source is text").contains(needle);
    sources(room).into_iter().filter(has).collect()
}

#[test]
fn unsafe_stands_in_guard_and_one_file_of_agent_only() {
    for room in ["core", "stores", "client", "cli", "sim", "lab"] {
        assert_eq!(files_with(room, "unsafe {"), Vec::<PathBuf>::new(), "unsafe code in {room}");
    }
    assert_eq!(files_with("agent", "unsafe {"), [root().join("agent/src/ready.rs")]);
}

#[test]
fn every_unsafe_block_has_its_proof() {
    for path in sources("guard").into_iter().chain(sources("agent")) {
        let source = fs::read_to_string(&path).expect("a source is text");
        let lines: Vec<_> = source.lines().collect();
        for (at, line) in
            lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {") && !line.trim().starts_with("//"))
        {
            let above = &lines[at.saturating_sub(8)..at];
            let proven = above.iter().any(|it| it.contains("SAFETY")) || line.contains("SAFETY");
            assert!(proven, "{}:{}: an unsafe block without its SAFETY comment", path.display(), at + 1);
        }
    }
}

#[test]
fn the_core_touches_nothing() {
    let manifest = fs::read_to_string(root().join("core/src/lib.rs")).expect("core has a lib.rs");
    assert!(manifest.contains("#![no_std]"), "core is no_std");
    for banned in ["std::", "HashMap", "HashSet", "println!", "tokio"] {
        let found: Vec<_> = sources("core")
            .into_iter()
            .filter(|path| {
                let source = fs::read_to_string(path).expect("a source is text");
                source.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| line.contains(banned))
            })
            .collect();
        assert!(found.is_empty(), "core uses {banned} in {found:?}");
    }
}

#[test]
fn every_source_says_what_it_is() {
    for room in ["core", "stores", "guard", "agent", "client", "cli", "sim", "lab"] {
        for path in sources(room) {
            let source = fs::read_to_string(&path).expect("a source is text");
            assert!(source.starts_with("//!"), "{}: open with //! what it is and what it never does", path.display());
        }
    }
}

#[test]
fn licences_are_permissive_and_sources_are_the_registry() {
    const FINE: [&str; 14] = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "Unlicense",
        "0BSD",
        "CC0-1.0",
        "BSL-1.0",
        "MIT-0",
        "Apache-2.0 WITH LLVM-exception",
        // Of data: the root certificates that come with reqwest's TLS, on other systems than Linux.
        "CDLA-Permissive-2.0",
    ];
    for package in list(&metadata(), "packages") {
        let (name, licence) = (text(package, "name"), text(package, "license"));
        let readable = licence.replace(['(', ')'], "").replace('/', " OR ");
        let fine = |choice: &str| choice.split(" AND ").all(|it| FINE.contains(&it.trim()));
        assert!(readable.split(" OR ").any(fine), "{name} is under \"{licence}\"");
        let source = package["source"].as_str();
        assert!(source.is_none_or(|it| it.starts_with("registry+")), "{name} comes from {source:?}");
    }
}

/// A path that nobody thought of is closed by itself; but whoever made it meant it to be used.
#[test]
fn every_path_says_who_may_use_it() {
    let needs = fs::read_to_string(root().join("agent/src/api/needs.rs")).expect("the table");
    let mut missing = Vec::new();
    // The sockets of services have a router of their own, and no door.
    let served = |path: &PathBuf| {
        ["src/api", "src/dashboard"].iter().any(|room| path.starts_with(root().join("agent").join(room)))
    };
    for file in sources("agent").into_iter().filter(served) {
        let text = fs::read_to_string(&file).expect("a source file");
        let paths = text.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let unsaid = paths.filter(|path| path.starts_with('/') && !needs.contains(&format!("(\"{path}\", ")));
        missing.extend(unsaid.map(|path| format!("{path} of {}", file.display())));
    }
    assert!(missing.is_empty(), "agent/src/api/needs.rs says nothing of {missing:?}");
}

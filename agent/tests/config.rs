//! Scenario files for the configuration: `config/NAME.toml` → `config/NAME.expect`.
//!
//! `BLESS=1 cargo nextest run -p hotseat-agent --test config` writes the expected texts anew.
#![allow(clippy::unwrap_used)] // tests

use hotseat_agent::config::{Config, ConfigError};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

fn scenarios() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut inputs: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    inputs.sort();
    inputs
}

fn shown(result: Result<Config, ConfigError>) -> String {
    match result {
        Ok(config) => format!("{config:#?}\n"),
        Err(error) => format!("error: {error}\n"),
    }
}

#[test]
fn every_mistake_is_shown_where_it_is() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for input in scenarios() {
        let text = fs::read_to_string(&input).unwrap();
        let name = input.file_stem().unwrap().to_string_lossy().into_owned();
        let seen = shown(Config::parse("hotseat.toml", &text));
        let expected = input.with_extension("expect");
        if bless {
            fs::write(&expected, &seen).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != seen {
            wrong.push(format!("── {name} ──\n{seen}"));
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 accepts these:\n{}", wrong.join("\n"));
}

#[test]
fn the_scenarios_are_all_there() {
    assert!(scenarios().len() >= 60, "scenario files went missing");
}

#[test]
fn the_example_parses() {
    let config = Config::parse("hotseat.toml", Config::example()).map_err(|e| e.to_string()).unwrap();
    assert_eq!(config.groups.len(), 1);
    assert!(config.groups[0].proxy.is_some());
}

/// What the example says is assumed must be assumed.
#[test]
fn the_example_shows_the_defaults() {
    let shown = Config::parse("hotseat.toml", Config::example()).unwrap();
    let bare = Config::parse("hotseat.toml", include_str!("config/ok_minimal.toml")).unwrap();
    assert_eq!(shown.cluster.timing, bare.cluster.timing);
    assert_eq!(shown.node.data_dir, bare.node.data_dir);
    let (shown, bare) = (&shown.groups[0], &bare.groups[0]);
    let summary = |group: &hotseat_agent::config::Group| {
        (group.role.clone(), group.mode, group.priority, group.failback, group.netid)
    };
    assert_eq!(summary(shown), summary(bare));
    let (shown, bare) = (&shown.service, &bare.service);
    assert_eq!((shown.stop, shown.restart), (bare.stop, bare.restart));
    assert_eq!((shown.standby, shown.on_exit), (bare.standby, bare.on_exit));
    assert_eq!((shown.start_timeout, shown.hook_timeout), (bare.start_timeout, bare.hook_timeout));
    assert_eq!((&shown.output, shown.host), (&bare.output, bare.host));
}

fn refused(path: &Path) -> String {
    Config::load(path).unwrap_err().to_string().replace(&format!("{}/", path.parent().unwrap().display()), "")
}

#[test]
fn a_file_that_cannot_be_read_is_said_without_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hotseat.toml");
    assert_eq!(refused(&path), "hotseat.toml: cannot be read: there is no such file");
    assert_eq!(refused(folder.path()), format!("{}: cannot be read: it is a directory", name_of(folder.path())));
    fs::write(&path, b"a = 1\nb = \"\xff\"").unwrap();
    assert_eq!(refused(&path), "hotseat.toml: is not text: line 2 has bytes that are not UTF-8");
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn a_file_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hotseat.toml");
    fs::write(&path, "# \n".repeat(400_000)).unwrap();
    assert_eq!(refused(&path), "hotseat.toml: is larger than 1 MiB: this is not a configuration file");
    assert!(matches!(Config::load(Path::new("/dev/zero")), Err(ConfigError::TooLarge(_))));
    let text = "a".repeat(2 << 20);
    assert!(matches!(Config::parse("hotseat.toml", &text), Err(ConfigError::TooLarge(_))));
}

#[test]
fn relative_paths_start_at_the_file() {
    let config = Config::parse("/etc/hotseat/hotseat.toml", include_str!("config/ok_relative_paths.toml")).unwrap();
    assert_eq!(config.node.data_dir, Path::new("/etc/hotseat/data"));
    assert_eq!(config.groups[0].service.cwd.as_deref(), Some(Path::new("/srv")));
}

#[test]
fn line_and_column_can_be_asked_for() {
    match Config::parse("hotseat.toml", include_str!("config/mode_unknown.toml")) {
        Err(ConfigError::Mistake(mistake)) => assert_eq!((mistake.line(), mistake.column()), (11, 8)),
        other => panic!("{other:?}"),
    }
}

/// Places to change the example at, and what to put there.
fn mutations() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    let piece = prop_oneof![
        Just(String::new()),
        "\\PC{0,4}",
        any::<String>(),
        "[\\[\\]{}=\",.'#\n\t ]{1,4}",
        "-?[0-9]{1,25}",
        Just("true".to_owned()),
        Just("\"\"".to_owned()),
        Just("日本\u{202e}".to_owned()),
    ];
    prop::collection::vec((0_usize..10_000, 0_usize..40, piece), 1..6)
}

fn mutate(mutations: &[(usize, usize, String)]) -> String {
    // Comments would take most of the hits.
    let lines = Config::example().lines().map(|line| line.split('#').next().unwrap_or("").trim_end());
    let mut text: Vec<char> = lines.flat_map(|line| line.chars().chain(['\n'])).collect();
    for (at, length, piece) in mutations {
        let at = at % (text.len() + 1);
        let end = (at + length).min(text.len());
        text.splice(at..end, piece.chars());
    }
    text.into_iter().collect()
}

/// An error must be one that can be shown: a place in the file and no control characters.
fn check(text: &str) {
    if let Err(error) = Config::parse("hotseat.toml", text) {
        let shown = error.to_string();
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        assert!(shown.lines().count() == 4 && shown.contains('^'), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_never_panics(mutations in mutations()) {
        check(&mutate(&mutations));
    }

    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes));
    }
}

//! `{port}`, `{node}`, `{data_dir}` and `{group}` in commands, hooks, checks and the environment.
//!
//! Only these exact names are replaced, once; every other brace stays, for arguments that are JSON.

use super::entry::Entry;
use super::fault::Fault;
use super::words::nearest;

/// What may stand in braces.
const NAMES: [&str; 4] = ["port", "node", "data_dir", "group"];

/// What the placeholders stand for.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The service's port; without one `{port}` stays as it is.
    pub port: Option<u16>,
    /// The node's name.
    pub node: &'a str,
    /// The agent's directory.
    pub data_dir: &'a str,
    /// The group's id.
    pub group: &'a str,
}

/// Fills the placeholders of a command.
///
/// ```
/// # use hotseat_agent::config::{expand, Values};
/// let values = Values { port: Some(9100), node: "a", data_dir: "/d", group: "g" };
/// let command = ["serve".to_owned(), "--port={port}".to_owned(), "{\"node\": 1}".to_owned()];
/// assert_eq!(expand(&command, &values), ["serve", "--port=9100", "{\"node\": 1}"]);
/// ```
#[must_use]
pub fn expand(command: &[String], values: &Values<'_>) -> Vec<String> {
    let port = values.port.map(|port| port.to_string());
    let known = [
        ("{port}", port.as_deref()),
        ("{node}", Some(values.node)),
        ("{data_dir}", Some(values.data_dir)),
        ("{group}", Some(values.group)),
    ];
    command.iter().map(|argument| fill(argument, &known)).collect()
}

/// One pass from left to right: what was filled in is not looked at again.
fn fill(argument: &str, known: &[(&str, Option<&str>)]) -> String {
    let mut filled = String::with_capacity(argument.len());
    let mut rest = argument;
    while let Some(brace) = rest.find('{') {
        filled.push_str(&rest[..brace]);
        rest = &rest[brace..];
        let found = known.iter().find_map(|(name, value)| Some((*value, rest.strip_prefix(name)?)));
        if let Some((Some(value), after)) = found {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = &rest[1..];
        }
    }
    filled + rest
}

/// Reads a command and refuses what [`check`] does.
pub(super) fn argv(entry: Entry<'_>, port: Option<u16>) -> Result<Vec<String>, Fault> {
    let argv = entry.argv()?;
    for item in entry.items("a list")? {
        check(&item, port)?;
    }
    Ok(argv)
}

/// Refuses `{port}` in a text where there is none, and what looks like a slip of a placeholder.
pub(super) fn check(entry: &Entry<'_>, port: Option<u16>) -> Result<(), Fault> {
    let Some(text) = entry.value.get_ref().as_str() else { return Ok(()) };
    if let Some((typed, meant)) = slip(text) {
        let advice = format!("did you mean {{{meant}}}?");
        return Err(entry.fault(format!("{{{typed}}} is no placeholder"), advice));
    }
    if text.contains("{port}") && port.is_none() {
        return Err(entry.fault("there is no port to put in place of {port}", "add port = 9100 to [group.service]"));
    }
    Ok(())
}

/// The first word in braces that is nearly one of ours, and which. `${prot}` and `%{prot}` are others' to fill in.
fn slip(text: &str) -> Option<(&str, &'static str)> {
    let opened = text.match_indices('{').filter(|(at, _)| !text[..*at].ends_with(['$', '%', '{']));
    let words = opened.filter_map(|(at, _)| Some(text[at + 1..].split_once('}')?.0));
    let plain = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    words
        .filter(plain)
        .filter(|word| !NAMES.contains(word))
        .find_map(|word| Some((word, nearest(word, NAMES.iter().copied())?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_others_braces_are_not() {
        assert_eq!(slip("--port={prot}"), Some(("prot", "port")));
        assert_eq!(slip("{port} {datadir}"), Some(("datadir", "data_dir")));
        for text in
            ["{port}{node}{data_dir}{group}", "${prot}", "%{prot}", "{{prot}}", "{\"prot\":1}", "{PROT}", "{other}"]
        {
            assert_eq!(slip(text), None, "{text}");
        }
    }

    fn check(argument: &str, expected: &str) {
        let values = Values { port: Some(80), node: "{group}", data_dir: "/d", group: "g" };
        assert_eq!(expand(&[argument.to_owned()], &values), [expected]);
    }

    #[test]
    fn exact_names_are_replaced_once() {
        check("{port}{port}", "8080");
        check("{node}", "{group}");
        check("{data_dir}/{group}.ü{port}", "/d/g.ü80");
    }

    #[test]
    fn other_braces_stay() {
        for text in ["{", "}", "{}", "{ port }", "{PORT}", "${HOME}", "{\"a\":{\"b\":1}}", "{{", "{unknown}"] {
            check(text, text);
        }
        check("{{port}}", "{80}");
    }

    #[test]
    fn without_a_port_it_stays() {
        let values = Values { port: None, node: "n", data_dir: "/d", group: "g" };
        assert_eq!(expand(&["{port}".to_owned()], &values), ["{port}"]);
    }
}

//! What is different between what a member has and a version, in words.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::owners::Owners;
use super::scan::Tree;
use super::state::State;

/// What is different, by path.
pub(super) type Differences = BTreeMap<String, String>;

/// What is different; owners count where they can be kept.
pub(super) fn differences(tree: &Tree, state: &State, owners: Option<&Owners>) -> Differences {
    let version = format!("version {}", state.number);
    let known = state.by_path();
    let mut all = Differences::new();
    for (path, entry) in &known {
        let what = match tree.entries.get(*path) {
            None => Some(format!("is not there, and is in {version}")),
            Some(here) => difference(here, entry, owners, &version),
        };
        all.extend(what.map(|what| ((*path).to_owned(), what)));
    }
    // An empty folder does no harm, and nobody misses it.
    let files = tree.entries.values().filter(|entry| entry.digest.is_some());
    for entry in files.filter(|entry| !known.contains_key(entry.path.as_str())) {
        all.insert(entry.path.clone(), format!("is there, and is not in {version}"));
    }
    all.extend(tree.wrong.iter().map(|(path, why)| (path.clone(), why.clone())));
    all
}

fn difference(here: &Entry, there: &Entry, owners: Option<&Owners>, version: &str) -> Option<String> {
    if here.digest != there.digest {
        return Some(format!("was changed here: {version} has another"));
    }
    if here.mode != there.mode {
        return Some(format!("has mode {:o}; {:o} in {version}", here.mode, there.mode));
    }
    let expected = owners?.numbers((there.user.as_deref(), there.uid), (there.group.as_deref(), there.gid));
    if (here.uid, here.gid) == expected {
        return None;
    }
    Some(format!("belongs to {}; to {} in {version}", owner(here), owner(there)))
}

fn owner(entry: &Entry) -> String {
    let name = |name: &Option<String>, number: u32| name.clone().unwrap_or_else(|| number.to_string());
    format!("{}:{}", name(&entry.user, entry.uid), name(&entry.group, entry.gid))
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::super::entry::tests::file;
    use super::*;

    fn check(here: &[Entry], there: &[Entry], owners: bool, expected: &[&str]) {
        let tree =
            Tree { entries: here.iter().map(|entry| (entry.path.clone(), entry.clone())).collect(), ..Tree::default() };
        let state = State { number: 7, entries: there.to_vec(), ..State::default() };
        let owners = owners.then(Owners::default);
        let all = differences(&tree, &state, owners.as_ref());
        assert_eq!(all.iter().map(|(path, what)| format!("{path} {what}")).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_kind_of_difference_has_its_words() {
        let one = file("a", b"1");
        let folder = Entry { digest: None, size: 0, ..file("d", b"") };
        check(from_ref(&one), from_ref(&one), true, &[]);
        check(&[], from_ref(&one), true, &["a is not there, and is in version 7"]);
        check(from_ref(&one), &[], true, &["a is there, and is not in version 7"]);
        check(&[file("a", b"2")], from_ref(&one), true, &["a was changed here: version 7 has another"]);
        let open = Entry { mode: 0o666, ..one.clone() };
        check(&[open], from_ref(&one), true, &["a has mode 666; 644 in version 7"]);
        let theirs = Entry { uid: 33, user: Some("web".into()), ..one.clone() };
        check(from_ref(&theirs), from_ref(&one), true, &["a belongs to web:0; to 0:0 in version 7"]);
        check(&[theirs], &[one], false, &[]);
        check(&[folder], &[], true, &[]);
    }
}

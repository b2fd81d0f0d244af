//! Names of users and groups, as the machine's own files have them. Names that only a directory service knows travel by
//! number.

use std::collections::BTreeMap;
use std::fs;

/// Far longer than such a file is.
const BYTES_MAX: usize = 4 << 20;

/// What `/etc/passwd` and `/etc/group` say.
#[derive(Debug, Default)]
pub(super) struct Owners {
    users: Names,
    groups: Names,
}

#[derive(Debug, Default)]
struct Names {
    by_number: BTreeMap<u32, String>,
    by_name: BTreeMap<String, u32>,
}

impl Owners {
    /// As they are now.
    pub(super) fn read() -> Self {
        let text = |path| fs::read(path).ok().filter(|it| it.len() <= BYTES_MAX).unwrap_or_default();
        let names = |path| Names::of(&String::from_utf8_lossy(&text(path)));
        Self { users: names("/etc/passwd"), groups: names("/etc/group") }
    }

    /// The user's and the group's name.
    pub(super) fn names(&self, uid: u32, gid: u32) -> (Option<String>, Option<String>) {
        (self.users.by_number.get(&uid).cloned(), self.groups.by_number.get(&gid).cloned())
    }

    /// The numbers of these names here; where a name is not known, the numbers that came with it.
    pub(super) fn numbers(&self, user: (Option<&str>, u32), group: (Option<&str>, u32)) -> (u32, u32) {
        (self.users.number(user.0, user.1), self.groups.number(group.0, group.1))
    }
}

impl Names {
    /// `NAME:…:NUMBER:…`, a line each; the first of a number is its name.
    fn of(text: &str) -> Self {
        let mut names = Self::default();
        for line in text.lines() {
            let mut fields = line.split(':');
            let (Some(name), Some(number)) = (fields.next(), fields.nth(1).and_then(|it| it.parse().ok())) else {
                continue;
            };
            names.by_number.entry(number).or_insert_with(|| name.to_owned());
            names.by_name.entry(name.to_owned()).or_insert(number);
        }
        names
    }

    fn number(&self, name: Option<&str>, otherwise: u32) -> u32 {
        name.and_then(|name| self.by_name.get(name).copied()).unwrap_or(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_before_a_number() {
        let users = Names::of("root:x:0:0::/root:/bin/sh\nweb:x:33:33::/:/bin/false\ntoor:x:0:0::/:/\nbroken\n");
        let owners = Owners { users, groups: Names::of("root:x:0:\nadm:x:4:web\n") };
        assert_eq!(owners.names(33, 4), (Some("web".into()), Some("adm".into())));
        assert_eq!(owners.names(0, 9), (Some("root".into()), None));
        assert_eq!(owners.numbers((Some("web"), 1000), (Some("gone"), 77)), (33, 77));
        assert_eq!(owners.numbers((None, 5), (None, 6)), (5, 6));
    }
}

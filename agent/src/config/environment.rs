//! `env`: what is added to a service's environment.

use super::entry::Entry;
use super::fault::{Fault, quoted};
use super::placeholders;
use std::collections::BTreeMap;

/// Names that start so are ours: the agent sets them.
const OURS: &str = "HOTSEAT_";

/// Reads a table of strings.
pub(super) fn read(entry: Entry<'_>, port: Option<u16>) -> Result<BTreeMap<String, String>, Fault> {
    let table = entry.value.get_ref().as_table().ok_or_else(|| entry.wrong_type("a table of strings"))?;
    let mut env = BTreeMap::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let wrong = |what: String, advice| Err(Fault::new(key.span(), what, advice));
        if name.is_empty() || name.contains(['=', '\0']) {
            return wrong(format!("{} cannot be the name of a variable", quoted(name)), "no \"=\" and not empty");
        }
        if name.starts_with(OURS) {
            return wrong(format!("{} is set by Hotseat itself", quoted(name)), "use a name without HOTSEAT_");
        }
        let entry = Entry { value, ..entry };
        placeholders::check(&entry, port)?;
        env.insert(name.to_owned(), entry.text()?.to_owned());
    }
    Ok(env)
}

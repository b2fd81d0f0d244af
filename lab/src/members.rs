//! How the nodes of an embedded cluster come together before a test begins: one is first, the others join it, as users do
//! it: each is started before the next comes.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::node::Node;
use crate::{CEILING, poll, program};

/// Makes these nodes members of one cluster, and leaves them running.
pub(crate) fn gather(nodes: &[Node]) {
    let Some((first, others)) = nodes.split_first() else { return };
    let founded = first.hotseat(&["init", "--json", "-c"]);
    let token =
        serde_json::from_str::<Value>(&founded.out).ok().and_then(|said| Some(said["token"].as_str()?.to_owned()));
    let token = token.unwrap_or_else(|| panic!("{founded:?}"));
    first.start();
    for other in others {
        // The first one has to be up, and has to have entered whoever came before.
        let joined = || Some(other.hotseat(&["join", &token, "-c"])).filter(|ended| ended.code == Some(0));
        poll(CEILING, joined).unwrap_or_else(|| panic!("{} cannot join:\n{}", other.name, first.log()));
        other.start();
    }
}

/// Longer than an orderly stop takes while there are enough to agree on it.
const ORDERLY: Duration = Duration::from_secs(3);

/// Stops them all: in order as long as that is possible, and at once, as a second TERM does, when it is no more.
pub(crate) fn rest(nodes: &[Node]) {
    for node in nodes {
        node.term();
        if poll(ORDERLY, || node.ended()).is_none() {
            node.term();
        }
        node.wait_exit();
    }
}

impl Node {
    /// Runs `hotseat` on its host with these words and its file.
    fn hotseat(&self, words: &[&str]) -> program::Ended {
        let file = self.path("hotseat.toml");
        let run = || {
            program::run(Path::new(&program::hotseat()), &[words, &[file.to_str().expect("made of UTF-8")]].concat())
        };
        match self.host() {
            Some(host) => host.within(run),
            None => run(),
        }
    }
}

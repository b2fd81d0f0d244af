//! What a certificate says its holder is: `hotseat://CLUSTER/NODE/ID` with the id in hexadecimal.

use std::fmt;

use hotseat_core::NodeName;

/// What stands before the cluster's name.
const SCHEME: &str = "hotseat://";

/// A node of a cluster, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The cluster. Named by the same rules as a node.
    pub cluster: NodeName,
    /// The node's name, unique in its cluster.
    pub node: NodeName,
    /// The node's id: it lives in `data_dir` and is never the name (C4).
    pub id: u64,
}

impl Name {
    /// Reads a name from the URI in a certificate. None: it is not one of ours.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix(SCHEME)?.split('/');
        let name = Self {
            cluster: NodeName::new(parts.next()?).ok()?,
            node: NodeName::new(parts.next()?).ok()?,
            id: u64::from_str_radix(parts.next()?, 16).ok()?,
        };
        // One name has one spelling: no sign, no leading zeros, nothing after it.
        (name.to_string() == uri).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}/{:x}", self.cluster, self.node, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        let uri = "hotseat://netmon/primary-1/1f";
        let name = Name::parse(uri).unwrap();
        assert_eq!((name.node.as_str(), name.id), ("primary-1", 0x1f));
        assert_eq!(name.to_string(), uri);
        for wrong in ["hotseat://a/b", "hotseat://a/b/", "hotseat://a/b/1/", "hotseat://a/b/01", "hotseat://a/b/+1"] {
            assert_eq!(Name::parse(wrong), None, "{wrong}");
        }
        for wrong in ["", "https://a/b/1", "hotseat:///b/1", "hotseat://a/../1", "hotseat://a/b/1F", "hotseat://a/b/-1"]
        {
            assert_eq!(Name::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Name::parse("hotseat://a/b/10000000000000000"), None, "more than 64 bits");
    }
}

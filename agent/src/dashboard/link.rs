//! Links to other agents' pages. Only what is an address becomes one: it comes from another node's record.

use std::net::SocketAddr;

use hotseat_client::{Group, Member};

/// The dashboard of this member, if its record says where it is.
pub(super) fn to(member: &Member) -> Option<String> {
    let (scheme, rest) = member.address.split_once("://")?;
    let known = matches!(scheme, "http" | "https");
    let address: SocketAddr = rest.parse().ok()?;
    known.then(|| format!("{scheme}://{address}/"))
}

/// The dashboard of the member of that name.
pub(super) fn to_node(group: &Group, node: &str) -> Option<String> {
    group.members.iter().find(|member| member.node == node).and_then(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, link: Option<&str>) {
        let member = Member { address: address.into(), ..super::super::scene::tests::member("n1", "leader") };
        assert_eq!(to(&member).as_deref(), link, "{address}");
    }

    #[test]
    fn only_an_address_becomes_a_link() {
        check("http://10.0.0.101:7700", Some("http://10.0.0.101:7700/"));
        check("https://[::1]:7700", Some("https://[::1]:7700/"));
        for hostile in ["javascript:alert(1)", "http://evil.example:80", "http://1.2.3.4:80/x\"onclick=", "", "http://"]
        {
            check(hostile, None);
        }
    }
}

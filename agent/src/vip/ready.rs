//! Whether this machine can do what the configuration asks of it, as far as that can be known at the start.

use std::io;

use hotseat_guard::{Ethernet, Frames, Link, Look};

use crate::config::{Config, Vip};

/// Says in one sentence what is missing: an interface, or a permission. An interface that is down may yet come up.
///
/// # Errors
/// That sentence.
pub fn check(config: &Config) -> Result<(), String> {
    let vips = config.groups.iter().filter_map(|group| Some((&group.id, group.vip.as_ref()?)));
    for (group, vip) in vips {
        check_one(vip).map_err(|why| format!("group {group}: [group.vip] {why}"))?;
    }
    Ok(())
}

fn check_one(vip: &Vip) -> Result<(), String> {
    let odd = |error: io::Error| format!("the interfaces of this machine cannot be looked at: {error}");
    let mut look = Look::new().map_err(odd)?;
    let link = match look.link(&vip.interface) {
        Ok(link) => link,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("interface = \"{}\": there is no such interface; `ip link` lists them", vip.interface));
        }
        Err(error) => return Err(odd(error)),
    };
    if link.mac.is_none() || link.loopback {
        return Err(format!("interface = \"{}\": an address cannot move over it: it is no Ethernet", vip.interface));
    }
    allowed(&mut look, &link).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => String::from(
            "not allowed to move addresses: run the agent as root, or with CAP_NET_ADMIN and CAP_NET_RAW \
             (systemd: AmbientCapabilities=)",
        ),
        _ => odd(error),
    })
}

fn allowed(look: &mut Look, link: &Link) -> io::Result<()> {
    drop(Ethernet::open(link, Frames::Arp)?);
    look.may_change()
}

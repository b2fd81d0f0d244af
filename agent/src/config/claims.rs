//! What only one thing in a file may have: ids, netids, addresses, files that are kept the same.
//!
//! It sees this file alone; whether a port is free on the machine, listening will tell.

use super::fault::{Fault, Spot, quoted};
use super::sync::overlap;
use hotseat_core::GroupId;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// What has been claimed so far.
#[derive(Default)]
pub(super) struct Claims {
    ids: Vec<(GroupId, Spot)>,
    netids: Vec<Netid>,
    addresses: Vec<(SocketAddr, String, Spot)>,
    vips: Vec<(IpAddr, Spot)>,
    paths: Vec<(PathBuf, Spot)>,
    /// The configuration file itself.
    own: PathBuf,
}

struct Netid {
    number: u32,
    group: GroupId,
    /// Where it is written; none if it follows from the group's place.
    written: Option<Spot>,
}

impl Claims {
    /// Nothing is claimed yet in this file.
    pub(super) fn of(file: &Path) -> Self {
        Self { own: std::path::absolute(file).unwrap_or_default(), ..Self::default() }
    }

    /// Claims a group id.
    pub(super) fn id(&mut self, id: &GroupId, spot: Spot) -> Result<(), Fault> {
        if let Some((_, first)) = self.ids.iter().find(|(taken, _)| taken == id) {
            let fault =
                Fault::new(spot, format!("group \"{id}\" is there twice"), "each [[group]] needs an id of its own");
            return Err(fault.first(first.clone()));
        }
        self.ids.push((id.clone(), spot));
        Ok(())
    }

    /// Claims the number of a group; `header` is shown only if neither of two equal ones is written.
    pub(super) fn netid(
        &mut self,
        number: u32,
        group: &GroupId,
        written: Option<Spot>,
        header: Spot,
    ) -> Result<(), Fault> {
        let new = Netid { number, group: group.clone(), written };
        match self.netids.iter().find(|taken| taken.number == number) {
            Some(taken) => Err(taken_twice(taken, &new, header)),
            None => {
                self.netids.push(new);
                Ok(())
            }
        }
    }

    /// Claims an IP address that is to move.
    pub(super) fn vip(&mut self, ip: IpAddr, spot: Spot) -> Result<(), Fault> {
        if let Some((_, first)) = self.vips.iter().find(|(taken, _)| *taken == ip) {
            let fault = Fault::new(spot, format!("{ip} is there twice"), "an address can follow one group only");
            return Err(fault.first(first.clone()));
        }
        self.vips.push((ip, spot));
        Ok(())
    }

    /// Claims a file or folder that is written by whoever leads.
    pub(super) fn path(&mut self, path: &Path, spot: Spot) -> Result<(), Fault> {
        let at = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if overlap(&at, &self.own) {
            let what = format!("{} holds this very file", quoted(&path.display().to_string()));
            return Err(Fault::new(
                spot,
                what,
                "each node has a configuration file of its own, with its own name in it",
            ));
        }
        if let Some((other, first)) = self.paths.iter().find(|(taken, _)| overlap(taken, path)) {
            let what = format!("{} is kept the same already", quoted(&other.display().to_string()));
            let fault = Fault::new(spot, what, "each file belongs to one group, and is named once");
            return Err(fault.first(first.clone()));
        }
        self.paths.push((path.to_owned(), spot));
        Ok(())
    }

    /// Claims an address for `owner`. Port 0 is any free one, so nobody can clash with it.
    pub(super) fn address(&mut self, address: SocketAddr, owner: String, spot: Spot) -> Result<(), Fault> {
        if let Some((_, other, first)) = self.addresses.iter().find(|(taken, _, _)| clash(*taken, address)) {
            let what = format!("port {} is taken by {other}", address.port());
            let fault = Fault::new(spot, what, "two things cannot listen at one port of one host");
            return Err(fault.first(first.clone()));
        }
        self.addresses.push((address, owner, spot));
        Ok(())
    }
}

fn taken_twice(taken: &Netid, new: &Netid, header: Spot) -> Fault {
    let (spot, other) = match (&new.written, &taken.written) {
        (Some(spot), _) => (spot.clone(), taken),
        (None, Some(spot)) => (spot.clone(), new),
        (None, None) => (header, taken),
    };
    let why = if other.written.is_some() { "" } else { ", by its place in the file" };
    let advice = format!("group \"{}\" has it{why} · use another number", other.group);
    let fault = Fault::new(spot, format!("netid {} is there twice", new.number), advice);
    match &other.written {
        Some(first) => fault.first(first.clone()),
        None => fault,
    }
}

fn clash(a: SocketAddr, b: SocketAddr) -> bool {
    let same_port = a.port() == b.port() && a.port() != 0;
    same_port && (a.ip() == b.ip() || covers(a.ip(), b.ip()) || covers(b.ip(), a.ip()))
}

/// `::` takes both families, `0.0.0.0` its own.
fn covers(all: IpAddr, one: IpAddr) -> bool {
    all.is_unspecified() && (all.is_ipv6() || one.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_clash_where_the_kernel_says_so() {
        let check = |a: &str, b: &str, expected| {
            let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!((clash(a, b), clash(b, a)), (expected, expected), "{a} {b}");
        };
        check("10.0.0.1:80", "10.0.0.1:80", true);
        check("10.0.0.1:80", "10.0.0.2:80", false);
        check("10.0.0.1:80", "0.0.0.0:80", true);
        check("[::]:80", "10.0.0.1:80", true);
        check("[::1]:80", "0.0.0.0:80", false);
        check("127.0.0.1:0", "127.0.0.1:0", false);
    }
}

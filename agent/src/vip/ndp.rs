//! NDP for one IPv6 address: is it in use (RFC 4862, 5.4), and whose it is now. Packets as bytes; no socket.

use std::net::Ipv6Addr;

use hotseat_guard::Mac;

/// Everything that listens to IPv6 on this wire.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const HEADER: usize = 40;
const ICMPV6: u8 = 58;
/// Packets of NDP never come through a router.
const HOPS: u8 = 255;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// The cache of whoever hears it is to take it over what it has.
const OVERRIDE: u8 = 0x20;
const TARGET_MAC: [u8; 2] = [2, 1];

/// The group that the owner of an address listens to, for exactly this question.
fn solicited(ip: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = ip.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]))
}

/// The hardware address of a group.
fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// Asks who has the address without claiming it; and where to send that.
pub(super) fn probe(ip: Ipv6Addr) -> (Mac, Vec<u8>) {
    let to = solicited(ip);
    let body = [&[SOLICITATION, 0, 0, 0, 0, 0, 0, 0], &ip.octets()[..]].concat();
    (group_mac(to), packet(Ipv6Addr::UNSPECIFIED, to, body))
}

/// Says that the address is here; and where to send that.
pub(super) fn announcement(own: Mac, ip: Ipv6Addr) -> (Mac, Vec<u8>) {
    let head = [ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0];
    let body = [&head[..], &ip.octets(), &TARGET_MAC, &own].concat();
    (group_mac(ALL_NODES), packet(ip, ALL_NODES, body))
}

fn packet(from: Ipv6Addr, to: Ipv6Addr, mut body: Vec<u8>) -> Vec<u8> {
    let sum = checksum(from, to, &body);
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    let [a, b] = u16::try_from(body.len()).expect("a few bytes").to_be_bytes();
    [&[0x60, 0, 0, 0, a, b, ICMPV6, HOPS], &from.octets()[..], &to.octets(), &body].concat()
}

/// Of the body and of what it travels under; its own field has to be zero, or the result is zero if it was right.
fn checksum(from: Ipv6Addr, to: Ipv6Addr, body: &[u8]) -> u16 {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let parts = [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, ICMPV6], body];
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).expect("folded twice")
}

/// Whether somebody says of itself that it has this address.
pub(super) fn claims(packet: &[u8], ip: Ipv6Addr) -> bool {
    let Some((header, body)) = packet.split_first_chunk::<HEADER>() else { return false };
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let Some(body) = body.get(..length) else { return false };
    let address = |at: usize| <[u8; 16]>::try_from(&header[at..at + 16]).map(Ipv6Addr::from);
    let (Ok(from), Ok(to)) = (address(8), address(24)) else { return false };
    let right = header[0] >> 4 == 6 && header[6] == ICMPV6 && header[7] == HOPS && checksum(from, to, body) == 0;
    right && body.first() == Some(&ADVERTISEMENT) && body.get(8..24) == Some(&ip.octets()[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Mac = [2, 0, 0, 0, 0, 1];

    fn ip() -> Ipv6Addr {
        "fd00::1:2345:6789".parse().unwrap()
    }

    #[test]
    fn questions_go_to_the_group_of_the_address() {
        let (to, packet) = probe(ip());
        assert_eq!(to, [0x33, 0x33, 0xff, 0x45, 0x67, 0x89]);
        assert_eq!(&packet[8..24], [0; 16], "from nobody");
        assert_eq!(packet[24..40], "ff02::1:ff45:6789".parse::<Ipv6Addr>().unwrap().octets());
        assert_eq!((packet[40], &packet[48..64]), (135, &ip().octets()[..]));
        assert_eq!((packet.len(), packet[5]), (64, 24));
    }

    /// Worked out by hand: ff02, 1 and 1 of the addresses, 18 and 3a of the rest, 8700 and nothing else.
    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        let (from, to) = (Ipv6Addr::LOCALHOST, ALL_NODES);
        let mut body = [0; 24];
        body[0] = SOLICITATION;
        let sum = 0xff02 + 1 + 1 + 0x18 + 0x3a + 0x8700_u32;
        assert_eq!(u32::from(checksum(from, to, &body)), !((sum & 0xffff) + (sum >> 16)) & 0xffff);
    }

    #[test]
    fn only_who_claims_the_address_has_it() {
        let check = |packet: &[u8], expected| assert_eq!(claims(packet, ip()), expected, "{packet:?}");
        let (to, right) = announcement(OWN, ip());
        assert_eq!((to, right.len()), ([0x33, 0x33, 0, 0, 0, 1], 72));
        check(&right, true);
        check(&[&right[..], &[0; 4]].concat(), true);
        check(&probe(ip()).1, false);
        check(&announcement(OWN, "fd00::1:2345:6788".parse().unwrap()).1, false);
        (0..right.len()).for_each(|len| check(&right[..len], false));
        for place in (0..right.len()).filter(|place| !(1..4).contains(place)) {
            let mut wrong = right.clone();
            wrong[place] ^= 0x10;
            check(&wrong, false);
        }
    }
}

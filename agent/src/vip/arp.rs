//! ARP for one IPv4 address: is it in use (RFC 5227), and whose it is now. Frames as bytes; no socket.

use std::net::Ipv4Addr;

use hotseat_guard::Mac;

/// A packet, without its Ethernet header.
pub(super) type Packet = [u8; 28];

/// To everybody on the wire.
pub(super) const EVERYBODY: Mac = [0xff; 6];

/// Ethernet, IPv4, and the lengths of their addresses.
const HEAD: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

fn packet(operation: u8, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Packet {
    let mut packet = [0; 28];
    packet[..6].copy_from_slice(&HEAD);
    packet[7] = operation;
    packet[8..14].copy_from_slice(&sender.0);
    packet[14..18].copy_from_slice(&sender.1.octets());
    packet[18..24].copy_from_slice(&target.0);
    packet[24..28].copy_from_slice(&target.1.octets());
    packet
}

/// Asks who has the address without claiming it: nobody's cache learns from this.
pub(super) fn probe(own: Mac, ip: Ipv4Addr) -> Packet {
    packet(REQUEST, (own, Ipv4Addr::UNSPECIFIED), ([0; 6], ip))
}

/// Says that the address is here, in both ways: some listen to requests of this kind only, some to replies.
pub(super) fn announcements(own: Mac, ip: Ipv4Addr) -> [Packet; 2] {
    [packet(REQUEST, (own, ip), ([0; 6], ip)), packet(REPLY, (own, ip), (EVERYBODY, ip))]
}

/// Who says of itself that it has this address.
pub(super) fn claimed_by(packet: &[u8], own: Mac, ip: Ipv4Addr) -> Option<Mac> {
    let packet: &Packet = packet.first_chunk()?;
    let sender = Mac::try_from(&packet[8..14]).ok()?;
    let known = packet[..6] == HEAD && packet[6] == 0 && matches!(packet[7], REQUEST | REPLY);
    (known && packet[14..18] == ip.octets() && sender != own).then_some(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Mac = [2, 0, 0, 0, 0, 1];
    const OTHER: Mac = [2, 0, 0, 0, 0, 9];
    const IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 50);

    #[test]
    fn packets_are_as_on_the_wire() {
        let probe = probe(OWN, IP);
        let expected: [u8; 28] = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 50];
        assert_eq!(probe, expected);
        let [request, reply] = announcements(OWN, IP);
        assert_eq!((request[7], &request[14..18], &request[24..]), (1, &IP.octets()[..], &IP.octets()[..]));
        assert_eq!((reply[7], &reply[14..18], &reply[18..24]), (2, &IP.octets()[..], &EVERYBODY[..]));
    }

    #[test]
    fn only_who_claims_the_address_has_it() {
        let check = |packet: &[u8], expected| assert_eq!(claimed_by(packet, OWN, IP), expected, "{packet:?}");
        let reply = packet(REPLY, (OTHER, IP), (OWN, Ipv4Addr::UNSPECIFIED));
        check(&reply, Some(OTHER));
        check(&[&reply[..], &[0; 18]].concat(), Some(OTHER)); // padded to the shortest frame
        check(&packet(REQUEST, (OTHER, IP), ([0; 6], IP)), Some(OTHER));
        check(&packet(REPLY, (OWN, IP), (OWN, IP)), None);
        check(&super::probe(OTHER, IP), None);
        check(&packet(REPLY, (OTHER, Ipv4Addr::new(10, 0, 0, 51)), (OWN, IP)), None);
        check(&packet(8, (OTHER, IP), (OWN, IP)), None);
        (0..28).for_each(|len| check(&reply[..len], None));
        let mut strange = reply;
        strange[1] = 6;
        check(&strange, None);
    }
}

//! How an [`Address`] is written down: interface, family, address, prefix.

use std::net::IpAddr;

use super::Malformed;
use crate::bytes::{Reader, Writer};
use crate::lan::Address;

pub(super) fn put<'a>(out: &'a mut Writer, address: &Address) -> &'a mut Writer {
    out.u32(address.interface);
    match address.ip {
        IpAddr::V4(ip) => out.u8(4).raw(&ip.octets()),
        IpAddr::V6(ip) => out.u8(6).raw(&ip.octets()),
    };
    out.u8(address.prefix)
}

pub(super) fn take(from: &mut Reader<'_>) -> Result<Address, Malformed> {
    let interface = from.u32()?;
    let ip: IpAddr = match from.u8()? {
        4 => from.array::<4>()?.into(),
        6 => from.array::<16>()?.into(),
        _ => return Err(Malformed::Value),
    };
    let prefix = from.u8()?;
    // An index is a positive `int` of the kernel's.
    let known = (1..=i32::MAX.cast_unsigned()).contains(&interface);
    if known && prefix <= Address::prefix_max(ip) {
        Ok(Address { interface, ip, prefix })
    } else {
        Err(Malformed::Value)
    }
}

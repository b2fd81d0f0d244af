//! How a [`Report`] is written down.

use super::{Contained, Malformed, Report, VERSION, address};
use crate::bytes::{Reader, Writer};

const HELLO: u8 = 1;
const STARTED: u8 = 2;
const START_FAILED: u8 = 3;
const EXITED: u8 = 4;
const GONE: u8 = 5;
const OVERDUE: u8 = 6;
const PROOF: u8 = 7;
const UNFIT: u8 = 8;
const RAISED: u8 = 9;
const LOWERED: u8 = 10;

impl Report {
    /// The packet for this message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u8(VERSION);
        match self {
            Self::Hello { proof_hash, containment, memory_locked, pid } => {
                out.u8(HELLO).raw(proof_hash).u8(u8::from(*containment == Contained::Tree));
                out.u8(u8::from(*memory_locked)).u32(*pid);
            }
            Self::Unfit { errno } => _ = out.u8(UNFIT).u32(errno.cast_unsigned()),
            Self::Started { slot, pid } => _ = out.u8(STARTED).u32(*slot).u32(*pid),
            Self::StartFailed { slot, errno } => _ = out.u8(START_FAILED).u32(*slot).u32(errno.cast_unsigned()),
            Self::Exited { slot, code, signal } => {
                put_number(put_number(out.u8(EXITED).u32(*slot), *code), *signal);
            }
            Self::Gone { slot } => _ = out.u8(GONE).u32(*slot),
            Self::Raised { address, errno } => {
                address::put(out.u8(RAISED), address).u32(errno.cast_unsigned());
            }
            Self::Lowered { address } => _ = address::put(out.u8(LOWERED), address),
            Self::Overdue => _ = out.u8(OVERDUE),
            Self::Proof { secret } => _ = out.u8(PROOF).raw(secret),
        }
        out.finish()
    }

    /// The message in a packet.
    ///
    /// # Errors
    /// [`Malformed`] if the packet is not exactly one message within all bounds.
    pub fn decode(packet: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(packet);
        if from.u8()? != VERSION {
            return Err(Malformed::Version);
        }
        let report = match from.u8()? {
            HELLO => Self::Hello {
                proof_hash: from.array()?,
                containment: if take_flag(&mut from)? { Contained::Tree } else { Contained::Cgroup },
                memory_locked: take_flag(&mut from)?,
                pid: from.u32()?,
            },
            UNFIT => Self::Unfit { errno: from.u32()?.cast_signed() },
            STARTED => Self::Started { slot: from.u32()?, pid: from.u32()? },
            START_FAILED => Self::StartFailed { slot: from.u32()?, errno: from.u32()?.cast_signed() },
            EXITED => {
                Self::Exited { slot: from.u32()?, code: take_number(&mut from)?, signal: take_number(&mut from)? }
            }
            GONE => Self::Gone { slot: from.u32()? },
            RAISED => Self::Raised { address: address::take(&mut from)?, errno: from.u32()?.cast_signed() },
            LOWERED => Self::Lowered { address: address::take(&mut from)? },
            OVERDUE => Self::Overdue,
            PROOF => Self::Proof { secret: from.array()? },
            _ => return Err(Malformed::Kind),
        };
        from.end()?;
        Ok(report)
    }
}

fn put_number(out: &mut Writer, number: Option<i32>) -> &mut Writer {
    match number {
        None => out.u8(0),
        Some(number) => out.u8(1).u32(number.cast_unsigned()),
    }
}

fn take_number(from: &mut Reader<'_>) -> Result<Option<i32>, Malformed> {
    Ok(if take_flag(from)? { Some(from.u32()?.cast_signed()) } else { None })
}

fn take_flag(from: &mut Reader<'_>) -> Result<bool, Malformed> {
    match from.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed::Value),
    }
}

//! Writes to a register as long as the service acts: a line every few milliseconds, one at a time.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hotseat_lab::history::now;

use crate::role::Role;

/// Between two writes.
const PACE: Duration = Duration::from_millis(4);

/// A register that takes longer is not reached.
const LIMIT: Duration = Duration::from_millis(250);

/// Never ends.
pub(crate) fn write_on(register: SocketAddr, role: &Role) {
    let mut number = 0;
    let mut kept = None;
    loop {
        std::thread::sleep(PACE);
        let Some(mut lines) = kept.take().or_else(|| connect(register)) else { continue };
        let wrote = role.act(|epoch| {
            number += 1;
            // The clock is read last: what is held up between here and the wire is held up as any write may be.
            let line = format!("{epoch} {} {number} {}\n", role.node, now());
            lines.get_mut().write_all(line.as_bytes()).is_ok()
        });
        let well = match wrote {
            Some(wrote) => wrote && matches!(lines.read_line(&mut String::new()), Ok(1..)),
            None => true,
        };
        kept = well.then_some(lines);
    }
}

fn connect(register: SocketAddr) -> Option<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&register, LIMIT).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    Some(BufReader::new(stream))
}

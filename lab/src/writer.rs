//! Writes to a register as long as somebody acts: a line every few milliseconds, one at a time.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Between two writes.
const PACE: Duration = Duration::from_millis(4);

/// A register that takes longer is not reached.
const LIMIT: Duration = Duration::from_millis(250);

/// Who acts, or does not.
pub trait Actor {
    /// Its name in the register.
    fn name(&self) -> &str;

    /// Does something under the epoch it acts in, or not at all. It is told the epoch, and when it is done.
    fn act<T>(&self, what: impl FnOnce(u64, u64) -> T) -> Option<T>;
}

/// Never ends.
pub fn write_on(register: SocketAddr, actor: &impl Actor) {
    let mut number = 0;
    let mut kept = None;
    loop {
        std::thread::sleep(PACE);
        let Some(mut lines) = kept.take().or_else(|| connect(register)) else { continue };
        let wrote = actor.act(|epoch, at| {
            number += 1;
            let line = format!("{epoch} {} {number} {at}\n", actor.name());
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

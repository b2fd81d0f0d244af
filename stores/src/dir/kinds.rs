//! Which kinds of file system live on one machine, and which are shared. A hint for the warning
//! about a single point of failure; nothing about safety rests on it.

use std::io;
use std::path::Path;

/// `f_type` of file systems that one machine mounts from its own disk or memory.
const OF_ONE_MACHINE: [(u64, &str); 17] = [
    (0xEF53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683E, "btrfs"),
    (0x0102_1994, "tmpfs"),
    (0x794C_7630, "overlay"),
    (0xF2F5_2010, "f2fs"),
    (0x2FC1_2FC1, "zfs"),
    (0xCA45_1A4E, "bcachefs"),
    (0x8584_58F6, "ramfs"),
    (0x3153_464A, "jfs"),
    (0x5265_4973, "reiserfs"),
    (0x4D44, "fat"),
    (0x2011_BAB0, "exfat"),
    (0x5346_544E, "ntfs"),
    (0x7366_746E, "ntfs3"),
    (0x4244, "hfs"),
    (0x482B, "hfsplus"),
];

/// The kind of file system at `path` if it is one of a single machine.
pub(super) fn of_one_machine(path: &Path) -> io::Result<Option<&'static str>> {
    let found = rustix::fs::statfs(path)?;
    // The field is 32 or 64 bits wide and signed or not, depending on the machine; all magics fit 32 bits.
    let magic = found.f_type as u64 & 0xFFFF_FFFF;
    Ok(OF_ONE_MACHINE.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_of_one_machine() {
        assert_eq!(of_one_machine(Path::new("/dev/shm")).ok(), Some(Some("tmpfs")));
        assert_eq!(of_one_machine(Path::new("/proc")).ok(), Some(None));
    }
}

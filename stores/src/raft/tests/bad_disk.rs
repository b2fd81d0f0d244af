//! A disk in memory that fails to sync, takes its time, or loses what was not synced: for the log of one member.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::super::disk::{Disk, Found};
use crate::OpenError;

/// The disk; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct BadDisk(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What a power cut leaves.
    durable: Vec<u8>,
    /// What has been written.
    present: Vec<u8>,
    /// Writes since the last sync.
    loose: Vec<(usize, Vec<u8>)>,
    /// What is attached now; handles from before a power cut do nothing.
    boot: u64,
    fails: bool,
    full: bool,
    stalled: bool,
    syncs: u64,
}

/// One attachment, from one start to the next power cut.
#[derive(Debug)]
struct Attached {
    disk: BadDisk,
    boot: u64,
}

impl BadDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self) -> Result<(Disk, Found), OpenError> {
        let boot = self.state().boot;
        Disk::over(Attached { disk: self.clone(), boot }, PathBuf::from("bad-disk/raft.redb"))
    }

    /// Syncs fail from now on.
    pub(super) fn fail(&self) {
        self.state().fails = true;
    }

    /// Nothing more fits on it.
    pub(super) fn fill(&self) {
        self.state().full = true;
    }

    /// Syncs take until [`BadDisk::free`].
    pub(super) fn stall(&self) {
        self.state().stalled = true;
    }

    pub(super) fn free(&self) {
        self.state().stalled = false;
        self.0.freed.notify_all();
    }

    pub(super) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// The power goes: of what was not synced, any part may be there. `roll` decides.
    pub(super) fn power_cut(&self, mut roll: impl FnMut() -> u64) {
        let mut state = self.state();
        state.boot += 1;
        (state.fails, state.full) = (false, false);
        let mut left = std::mem::take(&mut state.durable);
        left.resize(state.present.len(), 0);
        for (offset, bytes) in std::mem::take(&mut state.loose) {
            if roll().is_multiple_of(2) {
                continue;
            }
            let end = (offset + bytes.len()).min(left.len());
            if offset < end {
                left[offset..end].copy_from_slice(&bytes[..end - offset]);
            }
        }
        (state.present, state.durable) = (left.clone(), left);
    }

    /// The bytes, for damage on purpose.
    pub(super) fn with_bytes(&self, damage: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        damage(&mut state.present);
        state.durable = state.present.clone();
        state.loose.clear();
    }
}

impl Attached {
    fn live(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.boot == self.boot { Ok(state) } else { Err(io::Error::other("the power was cut")) }
    }
}

impl redb::StorageBackend for Attached {
    fn len(&self) -> io::Result<u64> {
        Ok(self.live()?.present.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.live()?;
        let start = offset as usize;
        let bytes = state.present.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.live()?;
        if state.full && len > state.present.len() as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.present.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.live()?;
        while state.stalled {
            state = self.disk.0.freed.wait(state).unwrap();
        }
        if state.fails || state.boot != self.boot {
            return Err(io::Error::other("injected: the disk does not sync"));
        }
        state.syncs += 1;
        state.durable = state.present.clone();
        state.loose.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.live()?;
        let start = offset as usize;
        let room = state.present.get_mut(start..start + data.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        room.copy_from_slice(data);
        state.loose.push((start, data.to_vec()));
        Ok(())
    }
}

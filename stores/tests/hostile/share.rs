//! A share that several hosts mount, in memory: one tree, a mount per host, each with a kernel
//! cache of names of its own, and faults to order. What it does wrong, it does on order only.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyWrite, Request, WriteFlags,
};

/// How long a mount believes names it has seen, as an NFS client does.
const NAMES_BELIEVED: Duration = Duration::from_millis(500);

/// Calls that can be made to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Rename,
    Fsync,
    SyncDir,
    ReadDir,
}

/// How the next such call goes wrong.
#[derive(Clone, Copy, Debug)]
pub enum Trick {
    /// Waits until the host is released, then is done.
    Hang,
    /// Is done, but says EIO.
    AnswerLost,
    /// Is not done, and says ESTALE.
    Stale,
    /// Is done, and then sent again: the second answer counts, as when NFS retransmits.
    Twice,
}

/// The tree that all hosts see.
#[derive(Clone)]
pub struct Share(Arc<Mutex<Tree>>);

/// One host's mount; unmounted, and everything released, when dropped.
pub struct Host {
    tricks: Arc<Tricks>,
    _session: BackgroundSession,
}

#[derive(Default)]
struct Tricks {
    state: Mutex<(HashMap<Call, VecDeque<Trick>>, u64)>,
    released: Condvar,
}

struct Tree {
    nodes: HashMap<u64, Node>,
    next: u64,
    /// Renames are done whether their source is there or not, and replace what is there.
    renames_lie: bool,
}

enum Node {
    Dir(BTreeMap<String, u64>),
    File(Vec<u8>),
}

impl Share {
    pub fn new() -> Share {
        let nodes = HashMap::from([(1, Node::Dir(BTreeMap::new()))]);
        Share(Arc::new(Mutex::new(Tree { nodes, next: 2, renames_lie: false })))
    }

    /// From now on two renames of one file both win.
    pub fn let_renames_lie(&self) {
        self.0.lock().unwrap().renames_lie = true;
    }

    /// Mounts it once more; `None`, with the reason printed, where that is not possible.
    pub fn mount(&self, at: &Path) -> Option<Host> {
        std::fs::create_dir_all(at).unwrap();
        let tricks = Arc::new(Tricks::default());
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("hostile".to_owned())];
        match fuser::spawn_mount(Mounted { tree: self.0.clone(), tricks: tricks.clone() }, at, &config) {
            Ok(session) => Some(Host { tricks, _session: session }),
            Err(error) => {
                println!("skipped: needs /dev/fuse ({error})");
                None
            }
        }
    }
}

impl Host {
    /// The next call of this kind goes wrong like this.
    pub fn order(&self, call: Call, trick: Trick) {
        self.tricks.state.lock().unwrap().0.entry(call).or_default().push_back(trick);
    }

    /// Lets every hanging call go on.
    pub fn release(&self) {
        let mut state = self.tricks.state.lock().unwrap();
        state.0.clear();
        state.1 += 1;
        self.tricks.released.notify_all();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.release();
    }
}

impl Tricks {
    fn next(&self, call: Call) -> Option<Trick> {
        self.state.lock().unwrap().0.get_mut(&call)?.pop_front()
    }

    fn wait_for_release(&self) {
        let state = self.state.lock().unwrap();
        let before = state.1;
        drop(self.released.wait_while(state, |(_, releases)| *releases == before).unwrap());
    }
}

type Done<T> = Result<T, Errno>;

impl Tree {
    fn dir(&mut self, ino: u64) -> Done<&mut BTreeMap<String, u64>> {
        match self.nodes.get_mut(&ino) {
            Some(Node::Dir(names)) => Ok(names),
            Some(Node::File(_)) => Err(Errno::ENOTDIR),
            None => Err(Errno::ESTALE),
        }
    }

    fn find(&mut self, parent: u64, name: &str) -> Done<u64> {
        self.dir(parent)?.get(name).copied().ok_or(Errno::ENOENT)
    }

    fn add(&mut self, parent: u64, name: &str, node: Node) -> Done<u64> {
        if self.dir(parent)?.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let ino = self.next;
        self.next += 1;
        self.nodes.insert(ino, node);
        self.dir(parent)?.insert(name.to_owned(), ino);
        Ok(ino)
    }

    fn remove(&mut self, parent: u64, name: &str) -> Done<()> {
        let ino = self.find(parent, name)?;
        if matches!(self.nodes.get(&ino), Some(Node::Dir(names)) if !names.is_empty()) {
            return Err(Errno::ENOTEMPTY);
        }
        self.dir(parent)?.remove(name);
        self.nodes.remove(&ino);
        Ok(())
    }

    fn rename(&mut self, from: (u64, &str), to: (u64, &str)) -> Done<()> {
        let source = match self.find(from.0, from.1) {
            Err(_) if self.renames_lie => return Ok(()),
            found => found?,
        };
        if let Ok(target) = self.find(to.0, to.1) {
            let full = matches!(self.nodes.get(&target), Some(Node::Dir(names)) if !names.is_empty());
            if full && !self.renames_lie {
                return Err(Errno::ENOTEMPTY);
            }
        }
        self.dir(from.0)?.remove(from.1);
        self.dir(to.0)?.insert(to.1.to_owned(), source);
        Ok(())
    }

    fn attr(&self, ino: u64) -> Done<FileAttr> {
        let (kind, size) = match self.nodes.get(&ino).ok_or(Errno::ESTALE)? {
            Node::Dir(_) => (FileType::Directory, 0),
            Node::File(bytes) => (FileType::RegularFile, bytes.len() as u64),
        };
        let now = SystemTime::now();
        let (perm, nlink) = (0o755, 1);
        Ok(FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: 1,
            atime: now,
            mtime: now,
            ctime: now,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }
}

struct Mounted {
    tree: Arc<Mutex<Tree>>,
    tricks: Arc<Tricks>,
}

impl Mounted {
    /// Does `act`, played the trick that was ordered; a call that hangs holds up no other.
    fn play<T>(
        &self,
        call: Call,
        mut act: impl FnMut(&mut Tree) -> Done<T> + Send + 'static,
        answer: impl FnOnce(Done<T>) + Send + 'static,
    ) {
        let tree = self.tree.clone();
        let mut once = move || act(&mut tree.lock().unwrap());
        match self.tricks.next(call) {
            None => answer(once()),
            Some(Trick::AnswerLost) => answer(once().and(Err(Errno::EIO))),
            Some(Trick::Stale) => answer(Err(Errno::ESTALE)),
            Some(Trick::Twice) => {
                drop(once());
                answer(once());
            }
            Some(Trick::Hang) => {
                let tricks = self.tricks.clone();
                thread::spawn(move || {
                    tricks.wait_for_release();
                    answer(once());
                });
            }
        }
    }

    fn entry(&self, found: impl FnOnce(&mut Tree) -> Done<u64>, reply: ReplyEntry) {
        let mut tree = self.tree.lock().unwrap();
        match found(&mut tree).and_then(|ino| tree.attr(ino)) {
            Ok(attr) => reply.entry(&NAMES_BELIEVED, &attr, Generation(0)),
            Err(error) => reply.error(error),
        }
    }
}

fn done(answer: Done<()>, reply: ReplyEmpty) {
    match answer {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn text(name: &OsStr) -> String {
    name.to_str().unwrap().to_owned()
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.entry(|tree| tree.find(parent.0, &text(name)), reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.tree.lock().unwrap().attr(ino.0) {
            Ok(attr) => reply.attr(&Duration::ZERO, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        self.entry(|tree| tree.add(parent.0, &text(name), Node::Dir(BTreeMap::new())), reply);
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        let mut tree = self.tree.lock().unwrap();
        match tree.add(parent.0, &text(name), Node::File(Vec::new())).and_then(|ino| tree.attr(ino)) {
            Ok(attr) => reply.created(&NAMES_BELIEVED, &attr, Generation(0), FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let link = |tree: &mut Tree| match tree.find(parent.0, &text(name)) {
            Ok(_) => Err(Errno::EEXIST),
            Err(_) => Ok(tree.dir(parent.0)?.insert(text(name), ino.0)).map(|_| ino.0),
        };
        self.entry(link, reply);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.tree.lock().unwrap().nodes.get(&ino.0) {
            Some(Node::File(bytes)) => {
                let start = bytes.len().min(offset as usize);
                let end = bytes.len().min(start + size as usize);
                reply.data(&bytes[start..end]);
            }
            Some(Node::Dir(_)) | None => reply.error(Errno::ESTALE),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.tree.lock().unwrap().nodes.get_mut(&ino.0) {
            Some(Node::File(bytes)) => {
                let end = offset as usize + data.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[offset as usize..end].copy_from_slice(data);
                reply.written(data.len() as u32);
            }
            Some(Node::Dir(_)) | None => reply.error(Errno::ESTALE),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        // Of a file that has a second link only the name goes.
        let mut tree = self.tree.lock().unwrap();
        let removed = tree.dir(parent.0).map(|names| names.remove(&text(name)));
        done(removed.and_then(|ino| ino.map(|_| ()).ok_or(Errno::ENOENT)), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.tree.lock().unwrap().remove(parent.0, &text(name)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (name, newname) = (text(name), text(newname));
        let act = move |tree: &mut Tree| tree.rename((parent.0, &name), (newparent.0, &newname));
        self.play(Call::Rename, act, |answer| done(answer, reply));
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.play(Call::Fsync, |_| Ok(()), |answer| done(answer, reply));
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.play(Call::SyncDir, |_| Ok(()), |answer| done(answer, reply));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let act = move |tree: &mut Tree| {
            let names: Vec<(u64, String)> = tree.dir(ino.0)?.iter().map(|(name, ino)| (*ino, name.clone())).collect();
            let kind = |ino: &u64| match tree.nodes.get(ino) {
                Some(Node::Dir(_)) => FileType::Directory,
                Some(Node::File(_)) | None => FileType::RegularFile,
            };
            Ok(names.iter().map(|(ino, name)| (*ino, kind(ino), name.clone())).collect::<Vec<_>>())
        };
        self.play(Call::ReadDir, act, move |listed| match listed {
            Ok(listed) => {
                for (at, (ino, kind, name)) in (1..).zip(listed).skip(offset as usize) {
                    if reply.add(INodeNo(ino), at, kind, name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(error) => reply.error(error),
        });
    }
}

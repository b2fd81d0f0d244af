//! One node: its folder, its agent as a process, and how to speak to it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hotseat_client::{Cluster as Picture, Event, Group, Member};

use crate::disk::Disk;
use crate::freezer::Freezer;
use crate::http::{self, Answer};
use crate::net::Host;
use crate::processes::{self, Kind, MARK, Process};
use crate::spec::{GROUP, Ports};
use crate::{CEILING, poll, program};

/// See the module. Dropping the [`Cluster`](crate::Cluster) ends it.
#[derive(Debug)]
pub struct Node {
    /// Its name: `n1`, `n2`, …
    pub name: String,
    /// Its folder: `hotseat.toml`, `data`, `log`, `share` (how it sees the store), `work` (of the service).
    pub home: PathBuf,
    /// What every process of it carries in its environment, as [`MARK`].
    pub mark: String,
    pub(crate) freezer: Option<Freezer>,
    ports: Ports,
    host: Option<Host>,
    pub(crate) disk: Option<Disk>,
    env: Vec<(String, String)>,
    child: Mutex<Option<Child>>,
}

impl Node {
    pub(crate) fn new(name: String, home: PathBuf, cluster: &str, ports: Ports, env: &[(String, String)]) -> Self {
        let mark = format!("{cluster}/{name}");
        let freezer = Freezer::new(&mark);
        Self { name, home, mark, freezer, ports, host: None, disk: None, env: env.to_vec(), child: Mutex::new(None) }
    }

    /// Its processes start on this host.
    pub(crate) fn on(mut self, host: Option<Host>) -> Self {
        self.host = host;
        self
    }

    pub(crate) fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// Its `data_dir` is on a disk of its own, of so many MiB.
    pub(crate) fn with_disk(mut self, mebibytes: Option<u64>) -> Self {
        let disk = |size| Disk::new(self.home.with_extension("disk"), self.path("data"), size);
        self.disk = mebibytes.map(disk);
        self
    }

    /// Its number, from 1: that of its host, where it has one.
    #[must_use]
    pub fn number(&self) -> usize {
        self.name[1..].parse().expect("n1, n2, …")
    }

    /// The agent's address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.ports.agent
    }

    /// The agent's address as `--url` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.ports.agent)
    }

    /// Where its service answers.
    #[must_use]
    pub fn service(&self) -> SocketAddr {
        self.ports.service.expect("a service with a port")
    }

    /// Where its proxy answers reads.
    #[must_use]
    pub fn reads(&self) -> SocketAddr {
        self.ports.reads.expect("a spec with reads")
    }

    /// Where its proxy listens.
    #[must_use]
    pub fn proxy(&self) -> SocketAddr {
        self.ports.proxy.expect("a spec with a proxy")
    }

    /// Where load balancers ask it over HTTP.
    #[must_use]
    pub fn check(&self) -> SocketAddr {
        self.ports.checks.expect("a spec that is checked").0
    }

    /// Where `HAProxy` asks it for a line.
    #[must_use]
    pub fn agent_check(&self) -> SocketAddr {
        self.ports.checks.expect("a spec that is checked").1
    }

    /// A file or folder of the node's.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the agent. It does not wait for anything.
    pub fn start(&self) {
        self.start_as(&mut Command::new(program::hotseat()));
    }

    /// Starts the agent through a command that runs `hotseat` with what is added: `faketime … hotseat`, say.
    pub fn start_as(&self, command: &mut Command) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        command.args(["run", "-c"]).arg(self.path("hotseat.toml"));
        command.current_dir(&self.home).env(MARK, &self.mark).env_remove("RUST_LOG").env("NO_COLOR", "1");
        command.envs(self.env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = match &self.host {
            Some(host) => host.spawn(command),
            None => command.spawn(),
        };
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        if let Some(freezer) = &self.freezer {
            freezer.take(child.id().cast_signed());
        }
        *self.child() = Some(child);
    }

    /// The agent's process, as started; it may be dead.
    #[must_use]
    pub fn agent(&self) -> i32 {
        self.child().as_ref().expect("started").id().cast_signed()
    }

    /// How the agent ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child().as_mut().and_then(|child| child.try_wait().unwrap())
    }

    /// Whether the agent was started and has not ended.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.child().as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Starts the agent anew if it has ended, as a machine's supervisor does.
    pub fn revive(&self) {
        if self.ended().is_some() {
            self.start();
        }
    }

    /// Waits for the agent's end.
    pub fn wait_exit(&self) -> ExitStatus {
        poll(CEILING, || self.ended()).unwrap_or_else(|| panic!("{} does not end:\n{}", self.name, self.log()))
    }

    /// Its living processes.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        processes::of(&self.mark, &self.home)
    }

    /// The numbers of its living processes of a kind.
    #[must_use]
    pub fn pids(&self, kind: Kind) -> Vec<i32> {
        self.processes().into_iter().filter(|process| process.kind == kind).map(|process| process.pid).collect()
    }

    /// How many cgroups it has; 0 where there are none to be had.
    #[must_use]
    pub fn cgroups(&self) -> usize {
        self.freezer.as_ref().map_or(0, Freezer::groups)
    }

    /// `GET` from its agent.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Answer> {
        http::get(self.ports.agent, path)
    }

    /// The status of `GET`; 0 when nobody answers.
    #[must_use]
    pub fn status(&self, path: &str) -> u16 {
        self.get(path).map_or(0, |answer| answer.status)
    }

    /// `POST` to its agent.
    #[must_use]
    pub fn post(&self, path: &str, body: &str) -> Option<Answer> {
        http::post(self.ports.agent, path, body)
    }

    /// What its agent knows of the cluster.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        // An agent that is starting says so, and knows nothing yet.
        let answer = self.get("/api/cluster").filter(|answer| answer.status == 200)?;
        Some(serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body)))
    }

    /// What its agent knows of the first group.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        self.picture()?.groups.into_iter().next()
    }

    /// What it says of itself as a member.
    #[must_use]
    pub fn member(&self) -> Option<Member> {
        self.group()?.members.into_iter().find(|member| member.node == self.name)
    }

    /// Its story.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let answer = self.get("/api/events").unwrap_or_else(|| panic!("{} tells nothing", self.name));
        if answer.status != 200 {
            // An agent that is starting says so, and has no story yet.
            return Vec::new();
        }
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
    }

    /// Whether its agent says that it leads, with the promotion complete.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.status(&format!("/leader/{GROUP}")) == 200
    }

    /// Everything its agents have logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Replaces a piece of its configuration file, which has to be there.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.path("hotseat.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "no {from:?} in\n{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Runs `hotseat` with these words and `--url` of this node.
    #[must_use]
    pub fn cli(&self, args: &[&str]) -> program::Ended {
        program::run(&program::hotseat(), &[args, &["--url", &self.url()]].concat())
    }

    /// Kills whatever it has left, until nothing is.
    pub(crate) fn end(&self) {
        if let Some(freezer) = &self.freezer {
            freezer.thaw();
        }
        let agent = self.child().take();
        if let Some(mut agent) = agent {
            drop(agent.kill());
            drop(agent.wait());
        }
        let gone = || {
            let left = self.processes();
            left.iter().for_each(|process| processes::signal(process.pid, rustix::process::Signal::KILL));
            left.is_empty().then_some(())
        };
        if poll(CEILING, gone).is_none() {
            eprintln!("{}: cannot be ended: {:?}", self.mark, self.processes());
        }
        if let Some(freezer) = &self.freezer {
            freezer.remove();
        }
    }

    pub(crate) fn set_up(&self, config: &str, store: &Path) {
        fs::create_dir_all(self.path("work")).unwrap();
        fs::write(self.path("hotseat.toml"), config).unwrap();
        std::os::unix::fs::symlink(store, self.path("share")).unwrap();
    }
}

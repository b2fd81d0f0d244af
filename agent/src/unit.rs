//! One group as this machine runs it: its configuration, its service's address, socket and environment.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use hotseat_client::Self_;
use hotseat_core::{Backoff, GroupConfig, GroupId, HealthLimits, Role, ServiceConfig};

use crate::config::{self, Check, Config, Output, Values};
use crate::output::Target;
use crate::sockets::Socket;
use crate::supervisor::Program;

/// See the module.
#[derive(Clone, Debug)]
pub struct Unit {
    /// As configured.
    pub config: config::Group,
    /// Where the service tells and is told.
    pub socket: Socket,
    /// Where the service answers.
    pub address: Option<SocketAddr>,
    cluster: String,
    node: String,
    data_dir: String,
}

impl Unit {
    /// Finds the service a port if it asked for any, and opens its socket in `folder`.
    ///
    /// # Errors
    /// When there is no free port, or the socket cannot be made.
    pub fn new(config: &Config, group: &config::Group, folder: &Path) -> io::Result<Self> {
        let port = match group.service.port {
            Some(0) => Some(free_port(group.service.host)?),
            other => other,
        };
        let first = Self_ {
            cluster: config.cluster.name.clone(),
            node: config.node.name.to_string(),
            group: group.id.to_string(),
            role: String::from("standby"),
            epoch: 0,
        };
        Ok(Self {
            config: group.clone(),
            socket: Socket::serve(folder, first)?,
            address: port.map(|port| SocketAddr::new(group.service.host, port)),
            cluster: config.cluster.name.clone(),
            node: config.node.name.to_string(),
            data_dir: config.node.data_dir.display().to_string(),
        })
    }

    /// The group's id.
    #[must_use]
    pub fn id(&self) -> &GroupId {
        &self.config.id
    }

    /// What the protocol needs to know.
    #[must_use]
    pub fn for_core(&self) -> GroupConfig {
        let service = &self.config.service;
        let health = service.health.as_ref().map(|health| {
            let limits = HealthLimits { max_check_attempts: health.max_check_attempts, recover: health.recover };
            (health.interval, limits)
        });
        let restart = &service.restart;
        GroupConfig {
            id: self.config.id.clone(),
            role: self.config.role.clone(),
            mode: self.config.mode,
            priority: self.config.priority,
            failback: match self.config.failback {
                config::Failback::Never => None,
                config::Failback::After(after) => Some(after),
            },
            calm: self.config.calm,
            hold_max: self.config.hold_max,
            alike: true,
            service: ServiceConfig {
                standby: service.standby,
                on_exit: service.on_exit,
                stop_timeout: service.stop.timeout,
                start_timeout: service.start_timeout,
                turn_timeout: service.hook_timeout,
                health,
                backoff: Backoff { first: restart.backoff, max: restart.max, attempts: restart.attempts },
                drain: self.config.drain(),
                hooks: service.on_promote.is_some(),
            },
            address: self.address.map(|address| address.to_string()),
            followers: self.has_followers(),
        }
    }

    /// Whether anything follows its leadership: an address, a command that moves one.
    #[must_use]
    pub fn has_followers(&self) -> bool {
        self.config.vip.is_some() || self.config.floating.is_some()
    }

    /// The node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    fn expand(&self, command: &[String]) -> Vec<String> {
        let values = Values {
            port: self.address.map(|address| address.port()),
            node: &self.node,
            data_dir: &self.data_dir,
            group: self.config.id.as_str(),
        };
        config::expand(command, &values)
    }

    /// The service, as it is started in this role.
    #[must_use]
    pub fn program(&self, role: Role) -> Program {
        self.command(&self.config.service.command, role, self.config.id.as_str())
    }

    /// Whether nobody else answers where the service is to answer: a stranger there would pass for it.
    ///
    /// # Errors
    /// Says that somebody does.
    pub fn port_is_free(&self) -> Result<(), String> {
        let Some(address) = self.address else { return Ok(()) };
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(format!("cannot be started: another program uses its address {address}"))
            }
            // Any other error is the service's own to meet.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The hook of a change to this role.
    #[must_use]
    pub fn hook(&self, role: Role) -> Option<Program> {
        let (hook, name) = match role {
            Role::Leader(_) => (&self.config.service.on_promote, "on_promote"),
            Role::Standby => (&self.config.service.on_demote, "on_demote"),
        };
        hook.as_ref().map(|hook| self.command(hook, role, &format!("{} {name}", self.config.id)))
    }

    /// A check that is a command.
    #[must_use]
    pub fn check_command(&self, argv: &[String], role: Role) -> Program {
        self.command(argv, role, &format!("{} check", self.config.id))
    }

    /// The command that runs when a new version of the group's files is in place.
    #[must_use]
    pub fn on_change(&self, argv: &[String], role: Role, version: u64) -> Program {
        let mut program = self.command(argv, role, &format!("{} on_change", self.config.id));
        program.env.push((String::from("HOTSEAT_SYNC_VERSION"), version.to_string()));
        program
    }

    /// A command that follows the leadership.
    #[must_use]
    pub fn follower(&self, argv: &[String], role: Role, name: &str) -> Program {
        self.command(argv, role, name)
    }

    /// A check with its placeholders filled in.
    #[must_use]
    pub fn check(&self, check: &Check) -> Check {
        match check {
            Check::Http { path } => Check::Http { path: self.expand(std::slice::from_ref(path)).concat() },
            Check::Command(argv) => Check::Command(self.expand(argv)),
            Check::Tcp => Check::Tcp,
            Check::Alive => Check::Alive,
        }
    }

    fn command(&self, argv: &[String], role: Role, name: &str) -> Program {
        let output = match &self.config.service.output {
            Output::Log => Target::Log,
            Output::File(path) => Target::File(path.clone()),
        };
        Program {
            name: name.chars().take(hotseat_guard::NAME_MAX / 4).collect(),
            argv: self.expand(argv),
            env: self.environment(role),
            cwd: self.config.service.cwd.clone(),
            output,
        }
    }

    fn environment(&self, role: Role) -> Vec<(String, String)> {
        let (role, epoch) = words(role);
        let mut all: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(key, _)| !key.starts_with("HOTSEAT_"))
            .collect();
        for (key, value) in &self.config.service.env {
            all.retain(|(known, _)| known != key);
            all.push((key.clone(), self.expand(std::slice::from_ref(value)).concat()));
        }
        let port = self.address.map(|address| address.port().to_string());
        let given = [
            ("HOTSEAT_CLUSTER", self.cluster.clone()),
            ("HOTSEAT_NODE", self.node.clone()),
            ("HOTSEAT_GROUP", self.config.id.to_string()),
            ("HOTSEAT_ROLE", role.to_owned()),
            ("HOTSEAT_EPOCH", epoch.to_string()),
            ("HOTSEAT_SOCKET", self.socket.path().display().to_string()),
        ];
        all.extend(given.map(|(key, value)| (key.to_owned(), value)));
        all.extend(port.map(|port| (String::from("HOTSEAT_PORT"), port)));
        all
    }

    /// How long a change of role may take.
    #[must_use]
    pub fn turn_limit(&self) -> Duration {
        self.config.service.hook_timeout
    }
}

/// A role in the words that services are told.
#[must_use]
pub fn words(role: Role) -> (&'static str, u64) {
    match role {
        Role::Standby => ("standby", 0),
        Role::Leader(epoch) => ("leader", epoch.0),
    }
}

/// A port that was free a moment ago.
fn free_port(host: std::net::IpAddr) -> io::Result<u16> {
    Ok(TcpListener::bind((host, 0))?.local_addr()?.port())
}

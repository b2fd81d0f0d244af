//! Everything `hotseat dev` knows at a moment. It is told, and keeps; it starts and draws nothing.

use std::net::SocketAddr;

use hotseat_client::Sight;

use super::News;
use super::node::{Ended, Node};
use super::plan::Plan;
use super::probe::Probe;
use super::story::Story;
use super::watch::Said;

/// Ends of agents or services before anybody ever served that are enough to give up.
const ENDS_MAX: u32 = 6;

/// What is known of one node.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Its agent's process; 0 while there is none.
    pub(super) pid: u32,
    pub(super) frozen: bool,
    pub(super) said: Option<Said>,
}

impl Seen {
    /// Whether its agent has a lease.
    pub(super) fn is_renewed(&self) -> bool {
        self.pid > 0 && self.said.as_ref().is_some_and(|said| said.cluster.renewed_ms.is_some())
    }

    /// Its service's process.
    pub(super) fn service_pid(&self) -> Option<u32> {
        let said = self.said.as_ref()?;
        let group = said.cluster.groups.first()?;
        group.members.iter().find(|member| member.node == said.cluster.node)?.pid
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) plan: Plan,
    pub(super) nodes: Vec<Node>,
    pub(super) seen: Vec<Seen>,
    pub(super) sight: Sight,
    pub(super) story: Story,
    pub(super) proxy: Option<SocketAddr>,
    pub(super) proxy_note: String,
    /// How the user calls this program.
    pub(super) hotseat: String,
    /// Whether anybody has ever served.
    pub(super) served: bool,
    ends: u32,
    /// Whether so few voters are left that nothing can be agreed on, as far as was told.
    pub(super) stuck: bool,
    /// How a service ended, last.
    pub(super) service_end: Option<String>,
}

impl Stage {
    pub(super) fn new(plan: Plan, nodes: Vec<Node>) -> Self {
        let story = Story::new(nodes.iter().map(|node| node.name.clone()), plan.ttl());
        Self {
            seen: vec![Seen::default(); nodes.len()],
            plan,
            nodes,
            sight: Sight::default(),
            story,
            proxy: None,
            proxy_note: String::new(),
            hotseat: super::frame::own_name(),
            served: false,
            ends: 0,
            stuck: false,
            service_end: None,
        }
    }

    /// The store changed.
    pub(super) fn saw(&mut self, sight: Sight) {
        self.served |= sight.serving;
        self.story.saw(&sight);
        self.sight = sight;
    }

    /// Tells what has become clear by now.
    pub(super) fn settle(&mut self, probe: Option<&Probe>) {
        self.count();
        self.story.settle(&self.sight, probe);
    }

    /// How many vote, and those of them whose agents run.
    pub(super) fn voters(&self) -> (usize, Vec<&str>) {
        let runs = |name: &&String| {
            let place = self.nodes.iter().position(|node| node.name == **name);
            place.is_some_and(|place| self.seen[place].pid > 0 && !self.seen[place].frozen)
        };
        (self.sight.voters.len(), self.sight.voters.iter().filter(runs).map(String::as_str).collect())
    }

    /// That no majority runs is known here before any agent can know it; that one is at work again, the agents say.
    fn count(&mut self) {
        let (count, run) = self.voters();
        let enough = run.len() > count / 2;
        let names = if run.is_empty() { String::from("none") } else { run.join(", ") };
        if !self.stuck && !enough && count > 1 && self.served {
            self.stuck = true;
            self.story.tell(&format!(
                "no majority is left ({names} of {count} voters): nobody can take over until {} run",
                count / 2 + 1
            ));
        } else if self.stuck && enough && self.sight.trouble.is_none() {
            self.stuck = false;
            self.story.tell(&format!("a majority is back ({names} of {count} voters)"));
        }
    }

    /// Something happened.
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Started { place, pid } => {
                self.seen[place] = Seen { pid, ..Seen::default() };
                self.story.started(place);
            }
            News::Ended { place, ended } => self.ended(place, ended),
            News::NoAgent { place, why } => {
                self.ends += 1;
                self.story.tell(&format!("{}'s agent cannot be started: {why}", self.nodes[place].name));
            }
            News::Said { place, said } => self.seen[place].said = Some(*said),
            News::Frozen { place, frozen } => {
                self.seen[place].frozen = frozen;
                self.story.frozen(place, frozen);
            }
            News::Event { place, event } => match event.kind.as_str() {
                "service-exited" => {
                    self.ends += u32::from(!self.served);
                    self.service_end = Some(event.text.clone());
                    self.story.service(place, &event.text);
                }
                "health-failed" => self.story.service(place, &event.text),
                _ => {}
            },
        }
    }

    fn ended(&mut self, place: usize, ended: Option<Ended>) {
        self.ends += u32::from(!self.served);
        self.seen[place] = Seen::default();
        self.story.ended(place, ended);
    }

    /// Whether it is no use waiting for the first leader any longer.
    pub(super) const fn is_hopeless(&self) -> bool {
        !self.served && self.ends >= ENDS_MAX
    }
}

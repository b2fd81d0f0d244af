//! Watches every process of a cold-standby cluster: at no instant may services of two nodes be alive.
//!
//! It sees programs without a port too, and workers whose master is dead. A finding is certain: one
//! was seen alive before and after the other was seen alive.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::processes::{self, Kind, Process};

/// Between two looks at all processes.
const PACE: Duration = Duration::from_millis(4);

/// Watches until it is told to stop.
#[derive(Debug)]
pub struct Witness {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Who had a living service, in order, without repeats in a row.
    pub order: Vec<String>,
    /// Processes of two nodes that were alive at one instant.
    pub together: Vec<(String, Process, String, Process)>,
    /// How often was looked.
    pub looks: u64,
}

type Nodes = Vec<(String, String, PathBuf)>;

impl Witness {
    pub(crate) fn start(nodes: Nodes) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        Self { over, thread: std::thread::spawn(move || watch(&nodes, &until)) }
    }

    /// Ends the watch and says what was seen.
    #[must_use]
    pub fn stop(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }

    /// Ends the watch; fails if services of two nodes were alive at one instant, or if it saw too little.
    pub fn check_never_two(self) -> Seen {
        let seen = self.stop();
        assert!(seen.together.is_empty(), "two nodes' services were alive: {:?}", seen.together.first());
        assert!(!seen.order.is_empty(), "nothing was seen in {} looks", seen.looks);
        seen
    }
}

fn watch(nodes: &Nodes, over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut known: HashMap<i32, Option<usize>> = HashMap::new();
    while !over.load(Ordering::Relaxed) {
        seen.looks += 1;
        look(nodes, &mut known, &mut seen);
        std::thread::sleep(PACE);
    }
    seen
}

fn look(nodes: &Nodes, known: &mut HashMap<i32, Option<usize>>, seen: &mut Seen) {
    let numbers = processes::numbers();
    known.retain(|pid, _| numbers.binary_search(pid).is_ok());
    let mut services: Vec<(usize, Process)> = Vec::new();
    for pid in numbers {
        let owner = *known.entry(pid).or_insert_with(|| owner(nodes, pid));
        let service = owner.and_then(|owner| Some((owner, processes::look(pid)?)));
        services.extend(service.filter(|(_, process)| process.kind == Kind::Service));
    }
    for (place, (node, process)) in services.iter().enumerate() {
        let earlier = services[..place].iter().find(|(other, _)| other != node);
        if let Some((other, first)) = earlier
            && processes::alive(first)
        {
            seen.together.push((nodes[*other].0.clone(), first.clone(), nodes[*node].0.clone(), process.clone()));
        }
        if seen.order.last() != Some(&nodes[*node].0) {
            seen.order.push(nodes[*node].0.clone());
        }
    }
}

fn owner(nodes: &Nodes, pid: i32) -> Option<usize> {
    nodes.iter().position(|(_, mark, home)| processes::belongs(pid, mark, home))
}

//! A hundred acts in random order while agents are killed: whatever was acknowledged is on record once, what stands is what
//! the record says, and the outcome of every switchover agrees with who was seen to lead. `HOTSEAT_SEED=N` repeats one.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use hotseat_client::{Act, Acted, Group};
use hotseat_lab::http::{self, Answer};
use hotseat_lab::spec::{GROUP, Store};
use hotseat_lab::{Cluster, Node, Spec};

const ACTS: usize = 100;

/// An agent is killed after so many acts, on average.
const KILL_EACH: usize = 8;

/// An agent tells within five seconds whether it has taken an act.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let seed = std::env::var("HOTSEAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("HOTSEAT_SEED={seed}");
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// Less than `limit`.
    fn roll(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// What was seen from outside, and answered.
struct Seen {
    /// Who led which epoch, as any agent said at any time.
    leaders: BTreeMap<u64, String>,
    /// Why, in the words of the agents.
    reasons: BTreeMap<u64, String>,
    /// The acts that were acknowledged as new.
    taken: BTreeMap<u64, Act>,
    refused: usize,
}

impl Seen {
    fn look(&mut self, cluster: &Cluster) {
        for group in cluster.nodes().iter().filter_map(Node::group) {
            let Some(leader) = &group.leader else { continue };
            let before = self.leaders.insert(group.epoch, leader.clone());
            assert!(before.is_none_or(|before| before == *leader), "two led epoch {}", group.epoch);
            self.reasons.insert(group.epoch, group.reason.clone());
        }
    }

    fn answer(&mut self, answer: Option<&Answer>) {
        let Some(answer) = answer else { return };
        match answer.status {
            200 | 202 => {
                let acted: Acted = serde_json::from_str(&answer.body).unwrap();
                if let Some(act) = acted.act.filter(|_| !acted.already) {
                    assert!(self.taken.insert(act.id, act).is_none(), "one number, two acts: {answer:?}");
                }
            }
            404 | 409 | 503 => self.refused += 1,
            _ => panic!("{answer:?}"),
        }
    }
}

/// An act, as a path and a body.
fn act(dice: &mut Dice) -> (&'static str, String) {
    let node = format!("n{}", 1 + dice.roll(3));
    match dice.roll(20) {
        0 => ("pause", String::new()),
        1..4 => ("resume", String::from("{\"reason\":\"go on\"}")),
        4 => ("pin", format!("{{\"node\":\"{node}\"}}")),
        5..7 => ("unpin", String::new()),
        7 => ("mode", format!("{{\"node\":\"{node}\",\"mode\":\"backup\"}}")),
        8..10 => ("mode", format!("{{\"node\":\"{node}\",\"mode\":\"auto\"}}")),
        10 => ("mode", format!("{{\"node\":\"{node}\",\"mode\":\"leader\"}}")),
        11..14 => ("priority", format!("{{\"node\":\"{node}\",\"priority\":{}}}", dice.roll(9))),
        14..17 => ("switchover", String::new()),
        _ => ("switchover", format!("{{\"to\":\"{node}\"}}")),
    }
}

fn ask(node: &Node, what: &str, body: &str) -> Option<Answer> {
    let to = node.address();
    let path = format!("/api/groups/{GROUP}/{what}?redirect=no");
    let head = format!("POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {}", body.len());
    http::ask(to, &format!("{head}\r\n\r\n{body}"), ANSWER_MAX).ok()
}

fn acts(node: &Node) -> Vec<Act> {
    let answer = node.get(&format!("/api/groups/{GROUP}/acts"));
    answer.filter(|it| it.status == 200).map(|it| serde_json::from_str(&it.body).unwrap()).unwrap_or_default()
}

/// What should stand after these acts, from nothing: `mode n1 backup`.
fn replay(acts: &[Act]) -> Vec<String> {
    let mut stands = BTreeMap::new();
    for act in acts {
        let what = act.what.as_str();
        match what {
            "resume" => _ = stands.remove("pause"),
            "unpin" => _ = stands.remove("pin"),
            "pause" => _ = stands.insert(String::from("pause"), String::from("pause")),
            "pin" => _ = stands.insert(String::from("pin"), format!("pin {}", act.detail)),
            "mode" | "priority" => {
                let (node, value) = act.detail.split_once(": ").unwrap();
                stands.insert(format!("{what} {node}"), format!("{what} {node} {value}"));
            }
            _ => {}
        }
    }
    stands.into_values().collect()
}

fn standing(group: &Group) -> Vec<String> {
    let line = |it: &hotseat_client::InForce| {
        let words = [Some(&it.what), it.node.as_ref(), it.value.as_ref()];
        words.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    };
    let mut all: Vec<_> = group.orders.in_force.iter().map(line).collect();
    all.sort();
    all
}

/// Whether the outcome of a switchover agrees with what was seen. `None`: its epochs passed unseen.
fn agrees(act: &Act, seen: &Seen) -> Option<bool> {
    let outcome = act.outcome.as_ref().unwrap();
    let (who, epoch) = outcome.text.rsplit_once(" leads, epoch ")?;
    let who = who.rsplit(' ').next()?;
    let epoch: u64 = epoch.parse().ok()?;
    let planned = seen.reasons.get(&epoch).is_none_or(|reason| reason == "switchover");
    let led = seen.leaders.get(&epoch)? == who;
    Some(led && (!outcome.ok || planned || outcome.text.contains("ended as ordered")))
}

fn a_hundred_acts_while_agents_are_killed(store: Store) {
    let spec = Spec::demo().hot().store(store).cluster("timing", "\"fast\"").group("hold_max", "\"0s\"");
    let cluster = Cluster::settled(spec);
    let mut dice = Dice::new();
    let mut seen = Seen { leaders: BTreeMap::new(), reasons: BTreeMap::new(), taken: BTreeMap::new(), refused: 0 };
    let mut killed = 0;
    for _ in 0..ACTS {
        cluster.nodes().iter().for_each(Node::revive);
        if dice.roll(KILL_EACH) == 0 {
            let victim = &cluster.nodes()[dice.roll(3)];
            if victim.runs() {
                victim.kill_agent();
                killed += 1;
            }
        }
        let (what, body) = act(&mut dice);
        let node = &cluster.nodes()[dice.roll(3)];
        seen.answer(ask(node, what, &body).as_ref());
        seen.look(&cluster);
    }
    let ended = rest(&cluster, &mut seen);
    println!("{} acts on record, {} refused, {killed} agents killed", ended.len(), seen.refused);
    judge(&cluster, &ended, &seen);
}

/// Faults end: everybody is back, whatever held the group still is lifted, and nothing is open any more.
fn rest(cluster: &Cluster, seen: &mut Seen) -> Vec<Act> {
    for what in ["resume", "unpin"] {
        cluster.wait_for(what, |cluster| {
            cluster.nodes().iter().for_each(Node::revive);
            let answer = ask(&cluster.nodes()[0], what, "")?;
            seen.answer(Some(&answer));
            (answer.status == 200).then_some(())
        });
    }
    cluster.wait_for("the same acts everywhere, none of them open", |cluster| {
        cluster.nodes().iter().for_each(Node::revive);
        seen.look(cluster);
        let all: Vec<_> = cluster.nodes().iter().map(acts).collect();
        let closed = all[0].iter().all(|act| act.outcome.is_some());
        (closed && !all[0].is_empty() && all.iter().all(|its| *its == all[0])).then(|| all[0].clone())
    })
}

fn judge(cluster: &Cluster, record: &[Act], seen: &Seen) {
    let ids: Vec<_> = record.iter().map(|act| act.id).collect();
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "none is missing, none twice: {ids:?}");
    for (id, taken) in seen.taken.range(ids[0]..) {
        let kept = record.iter().find(|act| act.id == *id).unwrap_or_else(|| panic!("act {id} was lost: {taken:?}"));
        let same = |act: &Act| (act.at.clone(), act.what.clone(), act.detail.clone(), act.via.clone());
        assert_eq!(same(kept), same(taken));
    }
    if ids[0] == 1 {
        let group = cluster.nodes()[0].group().unwrap();
        assert_eq!(standing(&group), replay(record));
    }
    let changes: Vec<_> = record.iter().filter(|act| act.what == "switchover").collect();
    let judged: Vec<_> = changes.iter().filter_map(|act| Some((act, agrees(act, seen)?))).collect();
    for (act, agrees) in &judged {
        assert!(agrees, "{act:?}\nseen: {:?}\n{:?}", seen.leaders, seen.reasons);
    }
    let done = changes.iter().filter(|act| act.outcome.as_ref().unwrap().ok).count();
    println!("{} switchovers, {done} done, {} of all could be judged", changes.len(), judged.len());
    assert!(done > 0 && !judged.is_empty(), "nothing was shown: {changes:?}");
}

hotseat_lab::on_every_store!(a_hundred_acts_while_agents_are_killed);

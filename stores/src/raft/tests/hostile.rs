//! Whatever another member sends: there is an answer, and the member lives.

use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest};
use openraft::{EntryPayload, Membership, RaftLogReader};

use super::super::types::{Command, LogEntry, LogId, Meta, Peer, Vote};
use super::super::wire::{Answer, Control, Piece, Request, decode, encode};
use super::world::World;
use crate::{Body, Key, Store, Written};

/// Everything a member says, rightly and wrongly filled in.
fn requests(from: u64, other: u64) -> Vec<Request> {
    let command =
        || Command::Write { key: Key::parse("a").unwrap(), expect: None, nonce: 1, body: Body::new("x").unwrap() };
    let id = |term, node, index| LogId::new(Vote::new(term, node).leader_id, index);
    let entry = |id, payload| LogEntry { log_id: id, payload };
    let mut requests = Vec::new();
    for (term, node) in [(0, from), (3, from), (3, other), (u64::MAX, from)] {
        let (ask, lead) = (Vote::new(term, node), Vote::new_committed(term, node));
        for vote in [ask, lead] {
            requests.push(Request::Vote(VoteRequest::new(vote, Some(id(term, node, u64::MAX)))));
            requests.push(Request::PreVote(VoteRequest::new(vote, None)));
            requests.push(Request::Transfer(TransferLeaderRequest::new(vote, other, Some(id(term, node, 7)))));
            for entries in [
                vec![],
                vec![entry(id(term, node, 9), EntryPayload::Blank), entry(id(term, node, 3), EntryPayload::Blank)],
                vec![entry(id(term, node, u64::MAX), EntryPayload::Normal(command()))],
                vec![entry(id(term, node, 0), EntryPayload::Membership(Membership::default()))],
            ] {
                let prev_log_id = entries
                    .first()
                    .and_then(|it: &LogEntry| it.log_id.index().checked_sub(1))
                    .map(|at| id(term, node, at));
                let leader_commit = Some(id(u64::MAX, node, u64::MAX));
                requests.push(Request::Append(AppendEntriesRequest { vote, prev_log_id, entries, leader_commit }));
            }
            for (total, offset) in [(4, 0), (u64::MAX, 0), (4, 3), (0, 0)] {
                let meta = Meta { last_log_id: Some(id(term, node, 5)), ..Meta::default() };
                requests.push(Request::Piece(Piece { vote, meta, total, offset, bytes: vec![1; 4] }));
            }
        }
    }
    requests.push(Request::LastLog);
    for control in [
        Control::Propose(command()),
        Control::Propose(Command::Found("b".to_owned())),
        Control::ReadIndex,
        Control::Members,
    ] {
        requests.push(Request::Control(control));
    }
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bytes_harm_a_member() {
    let world = World::of(3).await;
    let (victim, enemy, third) = (&world.nodes[2].raft, world.nodes[1].id, world.nodes[0].id);
    let mut roll = 0x5EED_u64;
    let mut next = move || {
        roll ^= roll << 13;
        roll ^= roll >> 7;
        roll ^= roll << 17;
        roll
    };
    for request in requests(enemy, third) {
        let bytes = encode(&request);
        let mut tries = vec![bytes.clone(), bytes[..next() as usize % bytes.len()].to_vec()];
        tries.extend((0..20).map(|_| {
            let mut bad = bytes.clone();
            let at = next() as usize % bad.len();
            bad[at] = next() as u8;
            bad
        }));
        for bytes in tries.iter().filter(|bytes| harmless(enemy, bytes)) {
            let answer = victim.answer(enemy, bytes).await;
            assert!(decode::<Answer>(&answer).is_ok());
        }
    }
    for len in [0, 1, 2, 100, 3_000_000] {
        let bytes: Vec<u8> = (0..len).map(|_| next() as u8).collect();
        assert!(matches!(decode(&victim.answer(enemy, &bytes).await), Ok(Answer::Refused(_))));
    }
    assert_eq!(victim.health().failure, None);
    let written = victim.write(&Key::parse("after").unwrap(), None, 99, Body::new("x").unwrap()).await;
    assert_eq!(written, Written::Applied { version: 1 });
}

/// A member that may vote and lead can lead wrongly: against that there is no check. Leave out what would make it so.
fn harmless(from: u64, bytes: &[u8]) -> bool {
    let Ok(request) = decode::<Request>(bytes) else { return true };
    let vote = match &request {
        Request::Append(it) => it.vote,
        Request::Vote(it) | Request::PreVote(it) => it.vote,
        Request::Piece(it) => it.vote,
        Request::Transfer(it) => *it.from_leader(),
        Request::LastLog | Request::Control(_) => return true,
    };
    vote.leader_id.node_id != from || vote.leader_id.term < 2 || vote.leader_id.term > 1 << 62
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_speaks_for_another_and_strangers_for_nobody() {
    let world = World::of(3).await;
    let (victim, enemy, third) = (&world.nodes[2].raft, world.nodes[1].id, world.nodes[0].id);
    let term = world.term(0) + 1;
    let vote = Vote::new_committed(term, third);
    let forged = AppendEntriesRequest { vote, prev_log_id: None, entries: Vec::new(), leader_commit: None };
    let answer = victim.answer(enemy, &encode(&Request::Append(forged))).await;
    assert!(matches!(decode(&answer), Ok(Answer::Refused(_))));
    assert_eq!(world.term(2), world.term(0));
    let write = Command::Write { key: Key::parse("a").unwrap(), expect: None, nonce: 1, body: Body::new("x").unwrap() };
    let leader = &world.nodes[world.leader(&[]).await].raft;
    for command in [write, Command::Found("mine".to_owned()), Command::Adopt(Vec::new())] {
        let stranger = leader.answer(4711, &encode(&Request::Control(Control::Propose(command.clone())))).await;
        assert!(matches!(decode(&stranger), Ok(Answer::Refused(_))));
        if !matches!(command, Command::Write { .. }) {
            let member = leader.answer(enemy, &encode(&Request::Control(Control::Propose(command)))).await;
            assert!(matches!(decode(&member), Ok(Answer::Refused(_))));
        }
    }
    let mut journal = world.nodes[2].raft.0.journal.clone();
    assert!(journal.read_vote().await.unwrap().is_some_and(|vote| vote.leader_id.term < term));
    let _ = Peer::default();
}

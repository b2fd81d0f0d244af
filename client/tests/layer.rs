//! Requests to the leader: held while nobody leads, sent again where that is safe and not where it is not.
#![allow(missing_docs, clippy::unwrap_used)]

mod fake;

use std::sync::Mutex;
use std::time::Duration;

use fake::{Fake, picture, text};
use hotseat_client::Leader;
use hotseat_client::tower::{CallError, LeaderLayer};
use http::{Method, Request, Response};
use tower::{Layer, Service, service_fn};

/// Far above what anything here takes.
const CEILING: Duration = Duration::from_secs(20);

/// How long a request waits here while nobody leads: long for a test, and every wait ends before it.
const HOLD: Duration = Duration::from_secs(15);

type Answer = Result<String, CallError<reqwest::Error>>;

async fn call(layer: &LeaderLayer<reqwest::Error>, method: Method) -> Answer {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = service_fn(move |request: Request<String>| {
        let client = client.clone();
        async move { client.execute(request.try_into()?).await.map(Response::<reqwest::Body>::from) }
    });
    let request = Request::builder().method(method).uri("/x?y=z").body(String::from("hello")).unwrap();
    let answer = layer.layer(send).call(request).await?;
    let status = answer.status();
    let body = reqwest::Response::from(answer).text().await.map_err(CallError::Service)?;
    Ok(format!("{} {body}", status.as_u16()))
}

/// An agent that shows a picture, and a follower that has seen it.
async fn followed(picture: &serde_json::Value) -> (Fake, LeaderLayer<reqwest::Error>) {
    let agent = Fake::new().await;
    agent.shows(picture);
    let mut leader = Leader::follow([agent.url()], "web").unwrap();
    if !picture["groups"][0]["leader"].is_null() {
        tokio::time::timeout(CEILING, leader.led()).await.unwrap();
    }
    (agent, LeaderLayer::new(leader).hold(HOLD).not_sent(reqwest::Error::is_connect))
}

async fn until(mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(CEILING, wait).await.unwrap();
}

#[tokio::test]
async fn a_request_goes_to_the_leader_with_its_epoch() {
    let service = Fake::new().await;
    service.says(|line| text(200, line));
    let (_agent, layer) = followed(&picture(Some(&service), 5, &[&service])).await;
    assert_eq!(call(&layer, Method::POST).await.unwrap(), "200 POST /x?y=z HTTP/1.1");
    let head = service.heads().into_iter().find(|head| head.contains("/x?y=z")).unwrap();
    assert!(head.contains("hotseat-epoch: 5\r\n"), "{head:?}");
}

#[tokio::test]
async fn it_waits_for_a_leader_and_no_longer_than_it_may() {
    let service = Fake::new().await;
    service.says(|_| text(200, "here"));
    let (agent, layer) = followed(&picture(None, 5, &[&service])).await;
    let short = layer.clone().hold(Duration::from_millis(50));
    assert!(matches!(call(&short, Method::GET).await, Err(CallError::NoLeader(_))));
    let held = tokio::spawn(async move { call(&layer, Method::POST).await });
    agent.shows(&picture(Some(&service), 6, &[&service]));
    assert_eq!(held.await.unwrap().unwrap(), "200 here");
}

/// Nothing could be sent to the old leader, so whatever it is goes to the new one.
#[tokio::test]
async fn what_was_not_sent_is_sent_again() {
    let (old, new) = (Fake::new().await, Fake::new().await);
    new.says(|_| text(200, "new"));
    let (agent, layer) = followed(&picture(Some(&old), 1, &[&old, &new])).await;
    old.end();
    // A connection that it still took would count as sent.
    while tokio::net::TcpStream::connect(old.address).await.is_ok() {}
    let call = tokio::spawn(async move { call(&layer, Method::POST).await });
    agent.shows(&picture(Some(&new), 2, &[&old, &new]));
    assert_eq!(call.await.unwrap().unwrap(), "200 new");
    assert_eq!(new.asked().iter().filter(|line| line.starts_with("POST")).count(), 1);
}

/// The old leader heard it, and broke off: it may have been done.
#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    for (method, again) in [(Method::POST, false), (Method::PATCH, false), (Method::GET, true), (Method::PUT, true)] {
        let (old, new) = (Fake::new().await, Fake::new().await);
        old.says(|_| String::new());
        new.says(|_| text(200, "new"));
        let (agent, layer) = followed(&picture(Some(&old), 1, &[&old, &new])).await;
        let called = {
            let method = method.clone();
            tokio::spawn(async move { call(&layer, method).await })
        };
        until(|| old.asked().iter().any(|line| line.contains("/x?y=z"))).await;
        agent.shows(&picture(Some(&new), 2, &[&old, &new]));
        let answer = called.await.unwrap();
        match answer {
            Ok(answer) if again => assert_eq!(answer, "200 new"),
            Err(CallError::Service(_)) if !again => {
                assert!(new.asked().iter().all(|line| line.starts_with("GET /api")))
            }
            other => panic!("{method}: {other:?}"),
        }
    }
}

/// Who leads no more says so after it is known who does: it has not done it, so another may.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_who_leads_no_more_is_not_the_last_word() {
    let (old, new) = (Fake::new().await, Fake::new().await);
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    old.says(move |line| {
        // It is a member too, and may be asked who leads.
        if line.contains("/x?y=z") {
            // It may be asked again before the layer has heard of the new one: then it answers at once.
            let _ = gate.lock().unwrap().recv();
        }
        text(421, "not me")
    });
    new.says(|_| text(200, "new"));
    let (agent, layer) = followed(&picture(Some(&old), 1, &[&old, &new])).await;
    let mut leader = Leader::follow([agent.url()], "web").unwrap();
    let called = tokio::spawn(async move { call(&layer, Method::POST).await });
    until(|| old.asked().iter().any(|line| line.contains("/x?y=z"))).await;
    agent.shows(&picture(Some(&new), 2, &[&new]));
    tokio::time::timeout(CEILING, async {
        while leader.current().is_none_or(|now| now.epoch < 2) {
            leader.changed().await;
        }
    })
    .await
    .unwrap();
    drop(go);
    assert_eq!(called.await.unwrap().unwrap(), "200 new");
}

/// Who leads and has no time is believed.
#[tokio::test]
async fn a_refusal_of_the_leader_is_the_answer() {
    for status in [421, 500, 503] {
        let service = Fake::new().await;
        service.says(move |_| text(status, "no"));
        let (_agent, layer) = followed(&picture(Some(&service), 1, &[&service])).await;
        assert_eq!(call(&layer, Method::GET).await.unwrap(), format!("{status} no"));
        // It is a member too, and may be asked who leads.
        assert_eq!(service.asked().iter().filter(|line| line.contains("/x?y=z")).count(), 1);
    }
}

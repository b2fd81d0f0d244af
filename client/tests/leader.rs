//! Who follows a leader among agents that are gone, lag behind, lie or are of another cluster.
#![allow(missing_docs, clippy::unwrap_used)]

mod fake;

use std::time::Duration;

use fake::{Fake, picture, text};
use hotseat_client::{Error, Leader, Leading};

/// Far above what anything here takes.
const CEILING: Duration = Duration::from_secs(20);

fn leading(fake: &Fake, epoch: u64) -> Leading {
    let node = format!("n{}", fake.address.port());
    Leading { node, epoch, service: Some(fake.address.to_string()), agent: fake.url() }
}

async fn becomes(leader: &mut Leader, wanted: Option<Leading>) {
    let seen = async {
        while leader.current() != wanted {
            assert!(leader.changed().await);
        }
    };
    let seen = tokio::time::timeout(CEILING, seen).await;
    seen.unwrap_or_else(|_| panic!("{:?} where {wanted:?} should be: {:?}", leader.current(), leader.trouble()));
}

#[tokio::test]
async fn from_one_seed_it_learns_the_others_and_outlives_it() {
    let (one, two) = (Fake::new().await, Fake::new().await);
    one.shows(&picture(Some(&one), 3, &[&one, &two]));
    two.shows(&picture(Some(&two), 4, &[&one, &two]));
    let mut leader = Leader::follow([one.url()], "web").unwrap();
    becomes(&mut leader, Some(leading(&one, 3))).await;
    assert_eq!(leader.members(), [one.url(), two.url()]);
    one.end();
    becomes(&mut leader, Some(leading(&two, 4))).await;
}

#[tokio::test]
async fn nobody_may_lead_and_it_is_told_why_nothing_is_known() {
    let one = Fake::new().await;
    let mut leader = Leader::follow([one.url()], "web").unwrap();
    tokio::time::timeout(CEILING, async {
        while leader.trouble().is_none() {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(leader.trouble().unwrap(), format!("{}: starting", one.url()));
    one.shows(&picture(Some(&one), 1, &[&one]));
    becomes(&mut leader, Some(leading(&one, 1))).await;
    one.shows(&picture(None, 1, &[&one]));
    becomes(&mut leader, None).await;
}

/// Whoever lags behind, is cut off, is of another cluster or talks nonsense is passed over.
#[tokio::test]
async fn only_who_knows_is_believed() {
    let (good, bad) = (Fake::new().await, Fake::new().await);
    good.shows(&picture(Some(&good), 7, &[&good]));
    let mut leader = Leader::follow([good.url(), bad.url()], "web").unwrap();
    becomes(&mut leader, Some(leading(&good, 7))).await;
    let behind = picture(Some(&bad), 6, &[&bad]);
    let mut cut_off = picture(Some(&bad), 9, &[&bad]);
    cut_off["lease_left_ms"] = serde_json::Value::Null;
    let mut storeless = picture(Some(&bad), 9, &[&bad]);
    storeless["store"]["healthy"] = false.into();
    let mut foreign = picture(Some(&bad), 9, &[&bad]);
    foreign["cluster"] = "other".into();
    let mut elsewhere = picture(Some(&bad), 9, &[&bad]);
    elsewhere["groups"][0]["id"] = "db".into();
    let told = [behind, cut_off, storeless, foreign, elsewhere].map(|it| text(200, &it.to_string()));
    let torn = "HTTP/1.1 200 X\r\nContent-Length: 10000\r\n\r\n{\"cluster\":".to_owned();
    let endless = format!("HTTP/1.1 200 X\r\n\r\n{}", "x".repeat(20 << 20));
    for said in told.into_iter().chain([torn, endless, String::from("\u{0}\r\n\r\n")]) {
        let before = bad.asked().len();
        bad.says(move |_| said.clone());
        // The good one leads on; once it hesitates, the bad one is asked.
        good.says(|_| text(503, "{\"error\": \"a moment\"}"));
        tokio::time::timeout(CEILING, async {
            while !bad.asked()[before..].iter().any(|line| line.contains("/way")) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        assert_eq!(leader.current(), Some(leading(&good, 7)));
        good.shows(&picture(Some(&good), 7, &[&good]));
    }
    good.shows(&picture(Some(&good), 8, &[&good]));
    becomes(&mut leader, Some(leading(&good, 8))).await;
}

#[tokio::test]
async fn an_act_goes_to_the_leader_and_is_not_said_twice() {
    let (one, two, gone) = (Fake::new().await, Fake::new().await, Fake::new().await);
    let shown = picture(Some(&one), 1, &[&one, &two]).to_string();
    let elsewhere = format!("{{\"error\": \"not me\", \"leader\": \"{}\"}}", two.url());
    one.says(move |line| if line.starts_with("GET") { text(200, &shown) } else { text(409, &elsewhere) });
    two.says(|_| text(202, "{}"));
    gone.end();
    let mut leader = Leader::follow([gone.url(), one.url()], "web").unwrap();
    becomes(&mut leader, Some(leading(&one, 1))).await;
    leader.switchover(Some("n9")).await.unwrap();
    let acts = |fake: &Fake| fake.asked().into_iter().filter(|line| line.starts_with("POST")).collect::<Vec<_>>();
    assert_eq!(acts(&two), ["POST /api/groups/web/switchover HTTP/1.1"]);
    // Heard, and not answered: it may be under way.
    two.says(|_| String::new());
    assert!(matches!(leader.switchover(None).await, Err(Error::Unanswered(..))));
    assert_eq!(acts(&two).len(), 2);
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    for seeds in [vec![], vec!["ftp://127.0.0.1:1"], vec!["127.0.0.1:1", "no address"]] {
        assert!(matches!(Leader::follow(seeds, "web"), Err(Error::BadUrl(_))));
    }
}

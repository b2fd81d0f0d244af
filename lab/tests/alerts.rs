//! People are told once per event, not once per node, whoever dies meanwhile: `dat_6`. Real receivers, real failovers.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;

use hotseat_lab::receiver::{Broker, MailServer, Webhook};
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Spec, poll, program};
use serde_json::Value;

/// Three nodes, of which one may be lost, and a webhook that is told everything, but not of stale pictures: on a machine
/// this busy they are true.
fn told(webhook: &Webhook, store: Store, nodes: usize) -> Cluster {
    let rules = "\"leader-change\", \"no-leader\", \"member-lost\", \"redundancy-lost\", \"store-lost\"";
    let alert =
        format!("[[alert]]\nname = \"ops\"\nwhen = [{rules}]\nwebhook = \"{}\"\ntimeout = \"60s\"\n", webhook.url());
    let cluster = Cluster::settled(Spec::demo().hot().nodes(nodes).store(store).also(&alert));
    // Who has not seen the first leadership written down would take the second one for the first.
    cluster.wait_for("the record of alerts", |cluster| {
        let read = |node: &Node| node.get("/api/alerts").filter(|it| it.status == 200 && !it.body.contains("trouble"));
        cluster.nodes().iter().all(|node| read(node).is_some()).then_some(())
    });
    cluster
}

fn is(message: &Value, rule: &str, state: &str) -> bool {
    message["rule"] == rule && message["state"] == state
}

/// How often each message came.
fn counts(webhook: &Webhook) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for it in webhook.heard() {
        *counts.entry(format!("{} {}", it["id"].as_str().unwrap(), it["state"].as_str().unwrap())).or_default() += 1;
    }
    counts
}

fn switchover(cluster: &Cluster) -> u64 {
    let done = cluster.leader().cli(&["switchover", "--wait", "60s"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    cluster.leader().group().unwrap().epoch
}

#[test]
fn dat_6_once_per_event_and_not_once_per_node() {
    let webhook = Webhook::start();
    let cluster = told(&webhook, Store::Raft, 3);
    let old = cluster.leader();
    old.kill_agent();
    let change = webhook.wait("the change of leader", |it| is(it, "leader-change", "event"));
    assert_eq!((change["group"].as_str(), change["epoch"].as_u64()), (Some("web"), Some(2)), "{change}");
    assert_eq!(change["severity"], "warning", "{change}");
    let its = |it: &Value, state: &str| is(it, "member-lost", state) && it["node"] == old.name.as_str();
    let lost = webhook.wait("the loss", |it| its(it, "firing"));
    webhook.wait("the redundancy", |it| is(it, "redundancy-lost", "firing"));
    old.revive();
    let back = webhook.wait("the return", |it| its(it, "resolved"));
    assert_eq!(back["id"], lost["id"], "what is over is what began");
    webhook.wait("the redundancy again", |it| is(it, "redundancy-lost", "resolved"));
    cluster.settle();
    // What is sent last is sent after everything that might still have come twice.
    let epoch = switchover(&cluster);
    let planned = webhook.wait("the switchover", |it| it["epoch"] == epoch);
    assert_eq!(planned["severity"], "info", "{planned}");
    for (message, count) in counts(&webhook) {
        assert_eq!(count, 1, "{message} came more than once: {:#?}", webhook.heard());
    }
    shown_everywhere(&cluster, &change);
}

/// In the list of every node, in the story of the sender, and in its numbers.
fn shown_everywhere(cluster: &Cluster, change: &Value) {
    for node in cluster.nodes() {
        let listed = node.cli(&["alert", "list", "--json"]);
        assert_eq!(listed.code, Some(0), "{listed:?}");
        let listed: Value = serde_json::from_str(&listed.out).unwrap();
        let told = listed["told"].as_array().unwrap().iter().find(|told| told["alert"]["id"] == change["id"]);
        assert_eq!(told.unwrap()["deliveries"][0]["state"], "sent", "{listed:#}");
        assert!(node.cli(&["alert"]).out.contains("sent by"), "for people too");
    }
    let sender = cluster.node(change["told_by"].as_str().unwrap());
    let told = || sender.events().into_iter().find(|event| event.kind == "alert-sent");
    if sender.log().matches("hotseat 0.").count() == 1 {
        assert!(told().is_some(), "{:?}", sender.events());
        let page = sender.get("/metrics").unwrap().body;
        assert!(page.contains("hotseat_alerts_total{alert=\"ops\",result=\"sent\"}"), "{page}");
    }
}

#[test]
fn dat_6_who_sends_dies_and_another_one_does() {
    let webhook = Webhook::start();
    let cluster = told(&webhook, Store::Raft, 3);
    webhook.answer(0);
    let epoch = switchover(&cluster);
    let first = webhook.wait("the change of leader", |it| it["epoch"] == epoch);
    let sender = cluster.node(first["told_by"].as_str().unwrap());
    webhook.answer(200);
    sender.kill_agent();
    let twice = || (webhook.heard().iter().filter(|it| it["id"] == first["id"]).count() > 1).then_some(());
    poll(CEILING, twice).unwrap_or_else(|| panic!("nobody took over: {:#?}", webhook.heard()));
    let others: Vec<_> = cluster.others(sender).collect();
    let delivered = cluster.wait_for("what came of it", |_| {
        let listed: Value = serde_json::from_str(&others[0].get("/api/alerts")?.body).unwrap();
        let told =
            listed["told"].as_array().unwrap().iter().find(|told| told["alert"]["id"] == first["id"]).cloned()?;
        Some(told["deliveries"][0].clone()).filter(|it| it["state"] == "sent")
    });
    assert_ne!(delivered["by"], sender.name.as_str(), "{delivered}");
    let copies: Vec<_> = webhook.heard().into_iter().filter(|it| it["id"] == first["id"]).collect();
    assert_eq!(copies.len(), 2, "one for each of its senders");
    assert_eq!(copies[0], copies[1], "and who receives it can tell");
}

#[test]
fn dat_6_without_the_store_each_node_speaks_for_itself() {
    let webhook = Webhook::start();
    let cluster = told(&webhook, Store::Dir, 2);
    let names: Vec<_> = cluster.nodes().iter().map(|node| node.name.clone()).collect();
    cluster.nodes().iter().for_each(|node| _ = node.lose_store());
    let mut lost = Vec::new();
    for name in &names {
        let its = webhook.wait("a lost store", |it| is(it, "store-lost", "firing") && it["node"] == name.as_str());
        assert_eq!((its["alone"].as_bool(), its["severity"].as_str()), (Some(true), Some("critical")), "{its}");
        lost.push(its);
    }
    cluster.nodes().iter().for_each(|node| _ = node.find_store());
    for its in &lost {
        webhook.wait("a found store", |it| is(it, "store-lost", "resolved") && it["id"] == its["id"]);
    }
    for (message, count) in counts(&webhook) {
        assert_eq!(count, 1, "{message} came more than once: {:#?}", webhook.heard());
    }
    let listed = cluster.leader().cli(&["alert", "list"]);
    assert!(listed.out.contains("cannot use the store"), "it was written down afterwards: {listed:?}");
}

/// A majority of the voters is gone. Those that are left hear each other, and one of them speaks for both.
#[test]
fn dat_6_without_a_majority_one_of_those_that_hear_each_other_speaks() {
    let webhook = Webhook::start();
    let cluster = told(&webhook, Store::Raft, 5);
    let (dead, left) = cluster.nodes().split_at(3);
    let [first, second] = left else { panic!("five nodes") };
    dead.iter().for_each(|node| _ = node.kill_agent());
    let wait = |rule: &str| webhook.wait(rule, |it| is(it, rule, "firing"));
    let said = [wait("store-lost"), wait("no-leader")];
    for its in &said {
        assert_eq!((its["told_by"].as_str(), its["alone"].as_bool()), (Some(first.name.as_str()), Some(true)), "{its}");
        assert!(its["text"].as_str().unwrap().contains(&second.name), "it says for whom it speaks: {its}");
    }
    cluster.wait_for("the other one leaves both to it", |_| {
        let left: Vec<_> = second.events().into_iter().filter(|event| event.kind == "alert-left").collect();
        (left.len() == 2 && left.iter().all(|event| event.text.starts_with(&first.name))).then_some(())
    });
    dead.iter().for_each(Node::revive);
    for its in &said {
        webhook.wait("its end", |it| it["id"] == its["id"] && it["state"] == "resolved");
    }
    cluster.settle();
    // What is sent last is sent after everything that might still have come twice.
    let epoch = switchover(&cluster);
    webhook.wait("the switchover", |it| it["epoch"] == epoch);
    for rule in ["store-lost", "no-leader"] {
        let told: Vec<_> = webhook.heard().into_iter().filter(|it| is(it, rule, "firing")).collect();
        assert_eq!(told.len(), 1, "{rule}: {told:#?}");
    }
}

/// One cluster, every kind of receiver.
#[test]
fn dat_6_webhook_slack_mail_mqtt_and_a_command() {
    let needed = [("mosquitto", "mosquitto"), ("mosquitto_sub", "mosquitto-clients"), ("openssl", "openssl")];
    if !needed.iter().all(|(name, package)| program::have(name, package)) || !have_aiosmtpd() {
        return;
    }
    let (hook, slack, broker, mail) = (Webhook::start(), Webhook::start(), Broker::start(), MailServer::start());
    let alerts = format!(
        "[[alert]]\nname = \"hook\"\nwebhook = \"{}\"\n\
         [[alert]]\nname = \"chat\"\nslack = {{ url_file = \"{{shared}}/slack\" }}\n\
         [[alert]]\nname = \"cloud\"\nmqtt = {{ server = \"{}\", topic = \"edge/{{key}}/alert\", key = \"thing-7\", user = \"{}\", password_file = \"{}\" }}\n\
         [[alert]]\nname = \"mail\"\nsmtp = {{ server = \"{}\", ca = \"{}\", user = \"{}\", password_file = \"{}\", from = \"Hotseat <hotseat@example.org>\", to = [\"ops@example.org\", \"boss@example.org\"] }}\n\
         [[alert]]\nname = \"call\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> {{shared}}/called; echo $HOTSEAT_ALERT_STATE by $HOTSEAT_ALERT_RULE\"]\n",
        hook.url(),
        broker.address(),
        Broker::LOGIN.0,
        broker.password_file(),
        mail.address(),
        mail.ca(),
        MailServer::LOGIN.0,
        mail.password_file(),
    );
    let cluster = Cluster::prepare(Spec::demo().hot().nodes(1).also(&alerts));
    fs::write(cluster.root().join("shared/slack"), slack.url()).unwrap();
    cluster.nodes().iter().for_each(Node::start);
    let node = cluster.leader();
    let tested = node.cli(&["alert", "test"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    for words in [
        "✔ hook →",
        "200",
        "✔ chat →",
        "✔ cloud →",
        "acknowledged at edge/thing-7/alert",
        "✔ mail →",
        "250",
        "test by test",
    ] {
        assert!(tested.out.contains(words), "no {words:?} in {tested:?}");
    }
    let sample = &hook.heard()[0];
    assert!(is(sample, "test", "test") && sample["text"].as_str().unwrap().contains("this is a test"), "{sample}");
    let chat = &slack.heard()[0];
    assert!(
        chat["text"].as_str().unwrap().contains("n1 can reach you") && chat.as_object().unwrap().len() == 1,
        "{chat}"
    );
    let (topic, thing) = cluster.wait_for("the broker's message", |_| broker.heard().first().cloned());
    assert_eq!((topic.as_str(), &thing["thing_key"]), ("edge/thing-7/alert", &Value::from("thing-7")), "{thing}");
    // It is taken before the server has told us of it.
    let letter = cluster.wait_for("the letter", |_| mail.heard().first().cloned());
    assert_eq!((&letter["tls"], &letter["login"]), (&Value::from(true), &Value::from(true)), "{letter}");
    assert_eq!(letter["to"], serde_json::json!(["ops@example.org", "boss@example.org"]));
    let id = letter["alert"].as_str().unwrap().replace('/', ".");
    assert_eq!(letter["id"].as_str().unwrap(), format!("<{id}.test@hotseat.invalid>"));
    let called = fs::read_to_string(cluster.root().join("shared/called")).unwrap();
    assert!(serde_json::from_str::<Value>(&called).unwrap()["summary"].as_str().unwrap().contains("n1"), "{called}");
    refusals_are_shown(node, &hook);
}

/// What receivers say when they refuse, and that nothing secret is repeated.
fn refusals_are_shown(node: &Node, hook: &Webhook) {
    hook.answer(503);
    let refused = node.cli(&["alert", "test", "hook"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.out.contains("503") && refused.out.contains("heard") && refused.err.contains("hook"),
        "{refused:?}"
    );
    assert!(!refused.out.contains("/told"), "a webhook's path may be the key to it: {refused:?}");
    let unknown = node.cli(&["alert", "test", "nobody"]);
    assert!(unknown.code == Some(1) && unknown.err.contains("hook, chat, cloud, mail, call"), "{unknown:?}");
}

/// A receiver that refuses is tried again until it takes it; a command that hangs dies with all that it has started.
#[test]
fn what_does_not_get_through_is_tried_again() {
    let webhook = Webhook::start();
    webhook.answer(500);
    let alerts = format!(
        "[[alert]]\nname = \"ops\"\nwhen = [\"leader-change\"]\nwebhook = \"{}\"\n\
         [[alert]]\nname = \"slow\"\nwhen = [\"drill-failed\"]\ntimeout = \"2s\"\ncommand = [\"/bin/sh\", \"-c\", \"sleep 1234 & wait\"]\n",
        webhook.url()
    );
    let cluster = Cluster::settled(Spec::demo().hot().nodes(2).also(&alerts));
    let epoch = switchover(&cluster);
    let tries = || (webhook.heard().iter().filter(|it| it["epoch"] == epoch).count() >= 2).then_some(());
    poll(CEILING, tries).unwrap_or_else(|| panic!("it was not tried again: {:#?}", webhook.heard()));
    let trying = cluster.leader().cli(&["alert"]);
    assert!(trying.out.contains("goes on trying") && trying.out.contains("500"), "{trying:?}");
    cluster.wait_for("a line in the status of who sends", |cluster| {
        let stuck = |node: &Node| node.cli(&["status"]).out.contains("alert \"ops\" does not get through");
        cluster.nodes().iter().any(stuck).then_some(())
    });
    webhook.answer(200);
    cluster.wait_for("its arrival", |cluster| {
        let listed: Value = serde_json::from_str(&cluster.leader().get("/api/alerts")?.body).unwrap();
        let delivery = listed["told"][0]["deliveries"][0].clone();
        (delivery["state"] == "sent" && delivery["tries"].as_u64() >= Some(3)).then_some(())
    });
    let hung = cluster.leader().cli(&["alert", "test", "slow"]);
    assert!(hung.code == Some(1) && hung.out.contains("no answer within 2s"), "{hung:?}");
    let sleeping = || {
        let left = program::run("/usr/bin/pgrep".as_ref(), &["-f", "^sleep 1234$"]);
        (left.code == Some(1)).then_some(())
    };
    poll(CEILING, sleeping).expect("nothing of it is left");
}

fn have_aiosmtpd() -> bool {
    let there = program::run("/usr/bin/python3".as_ref(), &["-c", "import aiosmtpd"]).code == Some(0);
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "install python3-aiosmtpd");
    if !there {
        println!("skipped: needs python3-aiosmtpd");
    }
    there
}

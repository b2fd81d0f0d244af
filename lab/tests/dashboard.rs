//! The dashboard in a real browser: through a failover, with the leader's page open while it dies, without JavaScript, in the
//! dark, on a phone and by keyboard. Set `HOTSEAT_SHOTS` to a folder to look at what was seen.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

use hotseat_lab::{Browser, Cluster, Spec};

/// More than that is no first view.
const FIRST_VIEW_MAX: usize = 50 * 1024;

fn cluster() -> Cluster {
    Cluster::settled(Spec::demo().hot().proxy("30s"))
}

fn shoot(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("HOTSEAT_SHOTS") {
        browser.shoot(&Path::new(&folder).join(format!("{name}.png")));
    }
}

#[test]
fn amp_13_a_page_says_who_leads_and_whether_it_is_safe() {
    let cluster = cluster();
    let leader = cluster.leader();
    let standby = cluster.others(leader).next().unwrap();
    let page = standby.get("/").unwrap();
    assert_eq!(page.status, 200);
    assert!(page.body.len() < FIRST_VIEW_MAX, "{} bytes", page.body.len());
    let says = |what: &str| assert!(page.body.contains(what), "no {what:?} in {}", page.body);
    says(&format!("{} is not the leader of web.", standby.name));
    says(&format!("<a href=\"{}/\">The leader is {} →</a>", leader.url(), leader.name));
    says("can lose 2 more nodes");
    cluster.nodes().iter().for_each(|node| says(&node.service().to_string()));
    let own = leader.get("/").unwrap().body;
    assert!(!own.contains("is not the leader"), "{own}");
}

/// What a strict content security policy forbids is not there to be forbidden.
#[test]
fn nothing_inline_and_nothing_from_elsewhere() {
    let cluster = cluster();
    let page = cluster.leader().get("/").unwrap().body;
    for inline in ["style=", "<style", "onclick=", "javascript:", "src=\"http", "url("] {
        assert!(!page.contains(inline), "{inline} in {page}");
    }
    assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/dashboard/").count(), "{page}");
    for asset in page.split("\"/dashboard/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(
            cluster.leader().status(&format!("/dashboard/{}", asset.replace("live", "style.css"))),
            200,
            "{asset}"
        );
    }
}

#[test]
fn it_shows_a_failover_as_it_happens() {
    let Some(browser) = Browser::start() else { return };
    let cluster = cluster();
    let old = cluster.leader();
    let standby = cluster.others(old).next().unwrap();
    browser.open(&standby.url());
    browser.wait_for_text("#liveness", "live");
    browser.wait_for_text("#groups", &format!("{} leads · epoch 1", old.name));
    shoot(&browser, "light");
    browser.dark(true);
    shoot(&browser, "dark");
    browser.dark(false);
    browser.size(390, 844);
    shoot(&browser, "phone");
    browser.size(1280, 1000);
    old.kill_agent();
    let (new, group) = cluster.next_leader(old);
    browser.wait_for_text("#groups", &format!("{} leads · epoch {}", new.name, group.epoch));
    browser.wait_for_text("#members tr.offline", &old.name);
    browser.wait_for_text("#events", &format!("{} leads web, epoch {}", new.name, group.epoch));
    shoot(&browser, "failover");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_page_whose_agent_dies_is_visibly_stale_and_comes_back() {
    let Some(browser) = Browser::start() else { return };
    let cluster = cluster();
    let leader = cluster.leader();
    browser.open(&leader.url());
    browser.wait_for_text("#liveness", "live");
    leader.kill_agent();
    browser.wait_for_text("#stale", &format!("No word from {} since", leader.name));
    browser.wait_for("a grey page", "getComputedStyle(document.querySelector('main')).filter === 'grayscale(1)'");
    cluster.others(leader).for_each(|other| browser.wait_for_text("#elsewhere", &other.name));
    shoot(&browser, "stale");
    let (new, group) = cluster.next_leader(leader);
    leader.wait_exit();
    leader.start();
    browser.wait_for_text("#groups", &format!("{} leads · epoch {}", new.name, group.epoch));
    browser.wait_for_text("#liveness", "live");
    browser.wait_for("no warning any more", "!document.querySelector('#stale').checkVisibility()");
}

#[test]
fn it_can_be_read_without_javascript() {
    let Some(browser) = Browser::start() else { return };
    let cluster = cluster();
    let leader = cluster.leader();
    browser.without_javascript(true);
    browser.open(&leader.url());
    browser.wait_for_text("#groups", &format!("{} leads · epoch 1", leader.name));
    browser.wait_for_text("#members", "hot-standby");
    browser.wait_for_text("footer", "reload to look again");
    shoot(&browser, "without-javascript");
}

//! The dashboard in a real browser: through a failover, with the leader's page open while it dies, without JavaScript, in the
//! dark, on a phone and by keyboard. Set `HOTSEAT_SHOTS` to a folder to look at what was seen.
#![allow(missing_docs, clippy::unwrap_used)]

mod rights_world;

use std::path::Path;

use hotseat_lab::receiver::Webhook;
use hotseat_lab::{Browser, CEILING, Cluster, Node, Spec, http};
use rights_world::{as_root, ask, token};

/// Keys, as `WebDriver` spells them.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// More than that is no first view.
const FIRST_VIEW_MAX: usize = 50 * 1024;

/// With a long ttl: a browser that starts takes all of a small machine, and nobody is to lead but whom a test has lead.
fn cluster() -> Cluster {
    Cluster::settled(Spec::demo().hot().proxy("30s").cluster("timing", "\"wan\""))
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

/// What is the matter, who was told, and whether they have it.
#[test]
fn alerts_stand_with_what_became_of_them() {
    let Some(browser) = Browser::start() else { return };
    let webhook = Webhook::start();
    let alert = format!("[[alert]]\nname = \"ops\"\nwhen = [\"member-lost\"]\nwebhook = \"{}\"\n", webhook.url());
    let cluster = Cluster::settled(Spec::demo().hot().cluster("timing", "\"wan\"").also(&alert));
    let (shown, gone) = two_others(&cluster, cluster.leader());
    webhook.answer(500);
    browser.open(&shown.url());
    browser.wait_for_text("#alerts", "Nothing is the matter.");
    gone.kill_agent();
    let offline = format!("warning: {} is offline (member of web) · ", gone.name);
    browser.wait_for_text("#alerts .standing", &format!("{offline}nobody was told"));
    browser.wait_for_text("#alerts .told", "goes on trying ops");
    browser.wait_for_text("#alerts .standing", &format!("{offline}said"));
    shoot(&browser, "alerts-retrying");
    webhook.answer(200);
    browser.wait_for_text("#alerts .told", "✓ ops has it from");
    shoot(&browser, "alerts");
    browser.dark(true);
    browser.size(390, 844);
    shoot(&browser, "alerts-dark-phone");
    gone.revive();
    browser.wait_for_text("#alerts", "Nothing is the matter.");
    browser.wait_for_text("#alerts .told", &format!("✓ over: {} is back", gone.name));
    assert_eq!(browser.complaints(), [""; 0]);
    browser.without_javascript(true);
    browser.open(&format!("{}/dashboard/alerts", shown.url()));
    browser.wait_for_text(".told", &format!("warning: {} is offline", gone.name));
    browser.open(&shown.url());
    browser.wait_for_text("#alerts .told", &format!("✓ over: {} is back", gone.name));
}

/// Which file differs on which member; and how, to those who may see what files hold.
#[test]
fn files_that_differ_are_shown_side_by_side() {
    let Some(browser) = Browser::start() else { return };
    let spec = Spec::demo().hot().cluster("timing", "\"wan\"").sync("watch", "[\"conf\"]").sync("share", "true");
    let cluster = Cluster::prepare(spec);
    let write = |node: &Node, text: &str| {
        std::fs::create_dir_all(node.path("conf")).unwrap();
        std::fs::write(node.path("conf/a.cfg"), text).unwrap();
    };
    cluster.nodes().iter().for_each(|node| {
        write(node, "first\nsame\nlast\n");
        node.start();
    });
    let leader = cluster.settle();
    let (other, _) = two_others(&cluster, leader);
    browser.open(&leader.url());
    browser.wait_for_text("#members", "same");
    write(other, "first\n<b>not the same</b>\nlast\n");
    browser.wait_for_text("#groups", &format!("drift: conf/a.cfg on {}: differs", other.name));
    browser.wait_for_text("#members", "differs 1");
    browser.wait_for(
        "a table that fits",
        "(it => it.scrollWidth <= it.clientWidth)(document.querySelector('#members .wide'))",
    );
    shoot(&browser, "drift-front");
    browser.click("#groups a[href='/dashboard/drift/web']");
    browser.wait_for_text("main", &format!("differs from that of {}", leader.name));
    browser.click("main a[href*='path=conf/a.cfg']");
    browser.wait_for_text(".diff .less", "-same");
    browser.wait_for_text(".diff .more", "+<b>not the same</b>");
    shoot(&browser, "drift");
    browser.dark(true);
    browser.size(390, 844);
    shoot(&browser, "drift-dark-phone");
    assert_eq!(browser.complaints(), [""; 0]);
    let (looks, ops) = (token(leader, "looks", "viewer"), token(leader, "ops", "operator"));
    let seen = |token: &str| {
        let bearer = format!("Bearer {token}");
        ask(leader, "GET", "/dashboard/drift/web?path=conf/a.cfg", &[("Authorization", &bearer)])
    };
    let (viewer, operator) = (seen(&looks), seen(&ops));
    assert!(viewer.status == 403 && viewer.body.contains("differs from that of"), "{viewer:?}");
    assert!(!viewer.body.contains("not the same"), "{viewer:?}");
    assert!(operator.status == 200 && operator.body.contains("&lt;b&gt;not the same&lt;/b&gt;"), "{operator:?}");
}

/// Nothing of what was to be seen stays on a screen in front of somebody who may look no longer.
#[test]
fn an_open_page_ends_with_what_opened_it() {
    let Some(browser) = Browser::start() else { return };
    let cluster = Cluster::settled(Spec::demo().nodes(1));
    let node = cluster.leader();
    let (ops, other) = (token(node, "ops", "viewer"), token(node, "other", "viewer"));
    let log_in = |token: &str| {
        browser.open(&node.url());
        browser.script(&format!("document.querySelector('[name=token]').value = '{token}'"));
        browser.click("button");
        browser.wait_for_text("#liveness", "live");
    };
    let is_out = || {
        browser
            .wait_for("the page to log in", "location.pathname === '/login' && document.querySelector('[name=token]')");
        assert_eq!(browser.text("#groups"), "");
    };
    log_in(&ops);
    assert_eq!(as_root(node, &["token", "revoke", "ops"]).code, Some(0));
    is_out();
    log_in(&other);
    browser.script("fetch('/logout', { method: 'POST' })");
    is_out();
}

#[test]
fn amp_13_a_node_is_managed_promoted_and_removed_from_the_page() {
    let Some(browser) = Browser::start() else { return };
    let cluster = cluster();
    let leader = cluster.leader();
    let (next, last) = two_others(&cluster, leader);
    browser.open(&leader.url());
    browser.click(&format!("[aria-label='Manage {}']", next.name));
    browser.wait_for_text("#ask", &format!("Manage {}", next.name));
    shoot(&browser, "manage");
    browser.script("document.querySelector('#ask [name=priority]').value = 10");
    browser.script("document.querySelector('#ask form[action*=priority] [name=reason]').value = 'a <b>test</b>'");
    browser.click("#ask form[action*=priority] button");
    browser.wait_for_text("#ask", &format!("the priority of {} is 10", next.name));
    browser.wait_for_text("#ask", "a <b>test</b>");
    browser.click("#ask .back");
    browser.wait_for_text("#groups", &format!("priority of {} 10", next.name));
    cluster.wait_for("the priority that was asked for", |_| next.member().filter(|it| it.priority == 10));
    browser.click(&format!("[aria-label='Manage {}']", next.name));
    browser.click("#ask a[href*=switchover]");
    browser.wait_for_text("#ask", &format!("{} ends what is under way", leader.name));
    shoot(&browser, "ask");
    browser.click("#ask form[action*=switchover] button");
    browser.wait_for_text("#groups", &format!("{} leads · epoch 2", next.name));
    browser.wait_for_text("#head", &format!("{} is not the leader of web.", leader.name));
    browser.click("#ask .back");
    last.kill_agent();
    browser.click(&format!("[aria-label='Remove {}']", last.name));
    browser.wait_for_text("#ask", &format!("{} is dead", last.name));
    browser.click("#ask button");
    browser.wait_for_text("#ask", "No members any more");
    browser.wait_for("a table without it", &format!("!document.querySelector('[aria-label$=\" {}\"]')", last.name));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn amp_13_dead_nodes_are_removed_at_once() {
    let cluster = cluster();
    let leader = cluster.leader();
    let (one, two) = two_others(&cluster, leader);
    [one, two].into_iter().for_each(|node| _ = node.kill_agent());
    cluster.wait_for("two dead", |_| {
        let members = leader.group()?.members;
        (members.iter().filter(|member| member.state == "offline").count() == 2).then_some(())
    });
    let asked = leader.get("/dashboard/ask/remove-dead/web").unwrap().body;
    assert!(asked.contains(&format!("{}, {}", one.name, two.name)), "{asked}");
    assert_eq!(send(leader, "remove-dead", "reason=gone").0, 200);
    cluster.wait_for("a group of one", |_| leader.group().filter(|group| group.members.len() == 1));
}

/// By plain forms, as a browser without JavaScript sends them.
#[test]
fn acts_need_no_javascript_and_say_what_came_of_them() {
    let cluster = cluster();
    let leader = cluster.leader();
    let (next, _) = two_others(&cluster, leader);
    let asked = leader.get("/dashboard/ask/pause/web").unwrap().body;
    assert!(asked.contains("<form method=\"post\" action=\"/dashboard/act/pause/web\">"), "{asked}");
    let (status, place) = send(leader, "pause", "reason=upgrading");
    assert_eq!(status, 303);
    let told = || Some(leader.get(&place)?.body).filter(|body| body.contains("nothing of web moves"));
    cluster.wait_for("the outcome", |_| told());
    let page = || Some(leader.get("/")?.body).filter(|body| body.contains(": upgrading") && body.contains("Resume"));
    cluster.wait_for("a page that shows the pause", |_| page());
    assert_eq!(send(leader, "switchover", &format!("to={}&epoch=1", next.name)).0, 409);
    assert_eq!(send(leader, "resume", "").0, 303);
    assert_eq!(send(leader, "switchover", &format!("to={}&epoch=1", next.name)).0, 303);
    cluster.wait_for("the other one to lead", |_| next.leads().then_some(()));
}

#[test]
fn hostile_forms_are_refused_and_never_echoed_as_markup() {
    let cluster = cluster();
    let leader = cluster.leader();
    let hostile = [
        ("mode", "node=n1&mode=%3Cscript%3E"),
        ("priority", "node=n1&priority=%3Cscript%3E"),
        ("priority", "node=..%2F..%2F&priority=1"),
        ("%3Cscript%3E", ""),
        ("pause", "reason=%FF&reason=%00"),
    ];
    for (what, form) in hostile {
        let answer = post(leader, what, form);
        assert!((400..500).contains(&answer.status), "{what} {form}: {}", answer.status);
        assert!(!answer.body.contains("<script>"), "{}", answer.body);
    }
    for path in ["/dashboard/ask/pause/nothing", "/dashboard/ask/manage/web?node=%3Cscript%3E", "/explain/web/99"] {
        let answer = leader.get(path).unwrap();
        assert!(answer.status == 404 && !answer.body.contains("<script>"), "{path}: {}", answer.body);
    }
    assert_eq!(leader.group().unwrap().epoch, 1);
}

#[test]
fn it_is_used_by_keyboard_alone() {
    let Some(browser) = Browser::start() else { return };
    let cluster = cluster();
    browser.open(&cluster.leader().url());
    browser.wait_for_text("#liveness", "live");
    browser.press(TAB);
    assert_eq!(browser.script("return document.activeElement.className;"), "skip");
    let here = "document.activeElement.textContent === 'Switch over'";
    for _ in 0..20 {
        if browser.script(&format!("return {here};")) == true {
            break;
        }
        browser.press(TAB);
    }
    browser.press(ENTER);
    browser.wait_for_text("#ask", "ends what is under way");
    assert_eq!(browser.script("return document.activeElement.name;"), "to");
    browser.press(ESCAPE);
    browser.wait_for("the focus where it was", here);
}

#[test]
fn a_leadership_is_explained_phase_by_phase() {
    let Some(browser) = Browser::start() else { return };
    let cluster = cluster();
    let old = cluster.leader();
    let (next, _) = two_others(&cluster, old);
    browser.open(&next.url());
    old.kill_agent();
    let (new, group) = cluster.next_leader(old);
    let words = format!("{} took over from {}", new.name, old.name);
    browser.wait_for_text("#timeline .changes", &words);
    browser.wait_for("a gap", "document.querySelector('#timeline svg.gap rect')");
    shoot(&browser, "timeline");
    browser.click(&format!("#timeline a[href='/explain/web/{}']:not([tabindex])", group.epoch));
    browser.wait_for_text("h2", &words);
    browser.wait_for("bars", "document.querySelector('.phases svg rect')");
    browser.wait_for_text("main", "Who could have led");
    shoot(&browser, "explain");
}

fn two_others<'a>(cluster: &'a Cluster, node: &'a hotseat_lab::Node) -> (&'a hotseat_lab::Node, &'a hotseat_lab::Node) {
    let mut others = cluster.others(node);
    (others.next().unwrap(), others.next().unwrap())
}

fn post(node: &hotseat_lab::Node, what: &str, form: &str) -> http::Answer {
    let (to, length) = (node.address(), form.len());
    let head = format!("POST /dashboard/act/{what}/web HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    let kind = "Content-Type: application/x-www-form-urlencoded";
    http::ask(to, &format!("{head}{kind}\r\nContent-Length: {length}\r\n\r\n{form}"), CEILING).unwrap()
}

/// The status, and where it leads to.
fn send(node: &hotseat_lab::Node, what: &str, form: &str) -> (u16, String) {
    let answer = post(node, what, form);
    let place = answer.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default();
    (answer.status, place.to_owned())
}

//! Who may do what, tried by those who may not: strangers, other users of the machine, pages of other sites, holders of
//! too small, old or guessed tokens.
#![allow(missing_docs, clippy::unwrap_used)]

mod rights_world;

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hotseat_client::{Access, Candidate, Error};
use hotseat_lab::spec::Store;
use hotseat_lab::{CEILING, Cluster, Node, Spec, on_every_store, program};
use rights_world::{as_root, ask, audit, refused, socket, status, token};

on_every_store!(a_token_that_is_revoked_is_worth_nothing_anywhere);

/// Everything that changes something; for `/api/lock` and `/api/elections` see below.
const CONTROLS: [(&str, &str); 6] = [
    ("POST", "/api/groups/web/switchover"),
    ("POST", "/api/members/invite"),
    ("POST", "/api/members/remove"),
    ("POST", "/api/tokens"),
    ("DELETE", "/api/tokens/ops"),
    ("POST", "/api/groups/web/whatever"),
];

/// What the programs of this machine do that hold locks and stand for elections.
const LOCKS: [(&str, &str); 7] = [
    ("GET", "/api/lock/terms"),
    ("GET", "/api/lock/records"),
    ("GET", "/api/lock/changes"),
    ("GET", "/api/lock/votes"),
    ("PUT", "/api/lock/records/group/lock.0.a"),
    ("POST", "/api/lock/renew"),
    ("POST", "/api/elections/e"),
];

const LOOKS: [&str; 6] =
    ["/api/cluster", "/api/events", "/api/members", "/api/locks", "/api/snapshot", "/v1/server/ha/states"];

/// What load balancers ask.
const PUBLIC: [&str; 6] =
    ["/health", "/leader/web", "/v2/ping/net/1/", "/v2/ping/net/1/se", "/api/groups/web/sight", "/login"];

fn one(spec: Spec) -> Cluster {
    Cluster::settled(spec.nodes(1))
}

#[test]
fn shk_13_control_calls_are_authenticated() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    assert_eq!(status(node, "GET", "/api/cluster", None), 200, "without tokens this machine is trusted");
    let ops = token(node, "ops", "operator");
    for (method, path) in CONTROLS.into_iter().chain(LOOKS.map(|path| ("GET", path))) {
        // Nobody needs to know which paths there are not.
        let missing = path.ends_with("whatever");
        assert_eq!(status(node, method, path, None), if missing { 404 } else { 401 }, "{method} {path}");
        let wrong = status(node, method, path, Some("hst1_wrong"));
        assert!(if missing { wrong == 404 } else { matches!(wrong, 401 | 429) }, "{method} {path}: {wrong}");
    }
    for path in PUBLIC {
        assert_eq!(status(node, "GET", path, None), 200, "{path}");
        assert_eq!(
            status(node, "GET", path, Some("hst1_wrong")),
            200,
            "{path}: what nobody asked for is not looked at"
        );
    }
    assert_eq!(status(node, "GET", "/api/cluster", Some(&ops)), 200);
    for too_much in ["/api/tokens", "/api/snapshot"] {
        assert_eq!(status(node, "GET", too_much, Some(&ops)), 403, "{too_much}");
    }
    let act = rights_world::with_token(&node.url(), &ops, &["switchover"]);
    // There is nobody to hand over to; but that is the loop's word, not the door's.
    assert!(act.code == Some(1) && !act.err.contains("token") && !act.err.contains("right"), "{act:?}");
    cluster.wait_for("it is written down", |_| {
        let its = |line: &serde_json::Value| line["who"] == "ops" && line["what"] == "POST /api/groups/web/switchover";
        audit(node).iter().any(its).then_some(())
    });
}

#[test]
fn amp_19_status_statistics_and_administration_are_apart() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let tokens: Vec<_> = ["status", "statistics", "viewer", "operator", "admin"]
        .into_iter()
        .map(|right| (right, token(node, right, right)))
        .collect();
    let check = |method: &str, path: &str, allowed: &[&str]| {
        for (right, token) in &tokens {
            let found = status(node, method, path, Some(token));
            assert_eq!(found != 403, allowed.contains(right), "{right}: {method} {path} is answered {found}");
        }
    };
    check("GET", "/api/cluster", &["status", "viewer", "operator", "admin"]);
    check("GET", "/v1/server/ha/state", &["status", "viewer", "operator", "admin"]);
    check("GET", "/metrics", &["statistics", "viewer", "operator", "admin"]);
    check("POST", "/api/groups/web/switchover", &["operator", "admin"]);
    check("GET", "/api/tokens", &["admin"]);
    let refused = rights_world::with_token(&node.url(), &tokens[0].1, &["switchover"]);
    assert!(refused.err.contains("needs the right \"operator\"; status has \"status\""), "{refused:?}");
}

/// A lock acts upon the cluster, as operators do. Without tokens this machine's programs may; then whoever shows one may, and
/// root through the socket.
#[test]
fn locks_and_elections_want_what_operators_have() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let lock = |url: &str, token: Option<&str>| {
        let mut command = Command::new(program::hotseat());
        command.args(["lock", "a", "--try", "--url", url, "--", "true"]).envs(token.map(|it| ("HOTSEAT_TOKEN", it)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (method, path) in LOCKS {
        for (header, value) in
            [("X-Forwarded-Proto", "https"), ("CF-Connecting-IP", "10.0.0.9"), ("Host", "evil.example.org")]
        {
            assert_eq!(ask(node, method, path, &[(header, value)]).status, 403, "{method} {path} with {header}");
        }
    }
    let (url, well) = (node.url(), (Some(0), String::new()));
    assert_eq!(lock(&url, None), well, "without tokens this machine is trusted");
    let (ops, viewer) = (token(node, "ops", "operator"), token(node, "eyes", "viewer"));
    for (shown, refused, says) in [(None, 401, "token"), (Some(viewer.as_str()), 403, "needs the right \"operator\"")] {
        let (code, err) = lock(&url, shown);
        assert!(code == Some(125) && err.contains(says), "{code:?} {err}");
        for (method, path) in LOCKS {
            assert_eq!(status(node, method, path, shown), refused, "{method} {path}");
        }
    }
    assert_eq!(lock(&url, Some(&ops)), well);
    assert_eq!(lock(&socket(node), None), well, "root needs none");
    elected(&url, &ops);
    let of = |who: &str, lines: &[serde_json::Value]| {
        lines.iter().filter(|line| line["who"] == who && line["what"].as_str().unwrap().contains("/api/")).count()
    };
    cluster.wait_for("who was refused is written down", |_| (of("eyes", &refused(node)) >= 3).then_some(()));
    assert_eq!(of("ops", &audit(node)), 0, "what a lock does all the time is not: {:#?}", audit(node));
}

/// A program stands with a token, and not without.
fn elected(url: &str, token: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let refused = Candidate::new(url, "e").unwrap().campaign().await;
        assert!(matches!(&refused, Err(Error::Refused(why)) if why.error.contains("token")), "{refused:?}");
        let candidate = Candidate::with(url, "e", Access::default().token(token)).unwrap();
        let leads = tokio::time::timeout(CEILING, candidate.campaign()).await.unwrap().unwrap();
        assert!(leads.is_leader());
        leads.resign().await;
    });
}

fn a_token_that_is_revoked_is_worth_nothing_anywhere(store: Store) {
    let cluster = Cluster::settled(Spec::demo().store(store));
    let (leader, other) = (cluster.leader(), cluster.others(cluster.leader()).next().unwrap());
    let ops = token(leader, "ops", "viewer");
    let known = |node: &Node| status(node, "GET", "/api/cluster", Some(&ops)) == 200;
    assert!(known(leader), "who made it knows it at once");
    cluster.wait_for("all know the token", |cluster| cluster.nodes().iter().all(known).then_some(()));
    cluster.wait_for("all want to see one", |cluster| {
        cluster.nodes().iter().all(|node| status(node, "GET", "/api/cluster", None) == 401).then_some(())
    });
    let listed = as_root(other, &["token", "list"]);
    assert!(listed.out.contains("ops") && !listed.out.contains(&ops), "{listed:?}");
    let revoked = as_root(other, &["token", "revoke", "ops"]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    let asked = Instant::now();
    token(other, "new", "viewer");
    cluster.wait_for("nobody takes it", |cluster| {
        cluster.nodes().iter().all(|node| status(node, "GET", "/api/cluster", Some(&ops)) == 401).then_some(())
    });
    println!("revoked everywhere after {:?}", asked.elapsed());
    cluster.wait_for("it is gone for good", |_| {
        // A machine without time to spare may let it wait for longer than the command does.
        let again = as_root(leader, &["token", "revoke", "ops"]);
        (again.code == Some(1) && again.err.contains("no token \"ops\"")).then_some(())
    });
    // What is kept of it does not give it away.
    for node in cluster.nodes() {
        assert!(!node.log().contains(&ops));
    }
    let found = Command::new("grep").args(["-rl", &ops]).arg(cluster.root()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn an_expired_token_is_none_and_the_door_stays_shut() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let made = as_root(node, &["token", "create", "brief", "--right", "viewer", "--expires", "1s"]);
    let brief = made.out.trim();
    cluster.wait_for("it ends", |_| (status(node, "GET", "/api/cluster", Some(brief)) == 401).then_some(()));
    assert_eq!(status(node, "GET", "/api/cluster", None), 401, "a cluster does not open by itself");
    let listed = as_root(node, &["token", "list"]);
    assert!(listed.out.contains("(over)"), "{listed:?}");
}

#[test]
fn elsewhere_only_what_is_public_is_answered() {
    if !program::root() {
        return;
    }
    let cluster = Cluster::start(Spec::writer().nodes(1).apart().api("open", "false"));
    let node = &cluster.nodes()[0];
    cluster.wait_for("it leads", |_| node.leads().then_some(()));
    for path in PUBLIC {
        assert_eq!(status(node, "GET", path, None), 200, "{path}");
    }
    for (method, path) in CONTROLS.into_iter().take(5).chain(LOOKS.map(|path| ("GET", path))) {
        let answer = ask(node, method, path, &[]);
        assert_eq!(answer.status, 403, "{method} {path}");
        assert!(answer.body.contains("hotseat token create"), "{answer:?}");
    }
    let host = cluster.net().host(1);
    let here = host.within(|| status(node, "GET", "/api/cluster", None));
    assert_eq!(here, 200, "from the node's own machine");
    let page = ask(node, "GET", "/login", &[]).body;
    assert!(page.contains("came in the clear") && !page.contains("<form"), "nobody is asked for a token here: {page}");
    let page = host.within(|| ask(node, "GET", "/login", &[]).body);
    assert!(page.contains("<form") && !page.contains("came in the clear"), "{page}");
    // A token would have to come in the clear; the client does not send it, and the agent does not take it.
    let ops = token(node, "ops", "viewer");
    let unsent = rights_world::with_token(&node.url(), &ops, &["status"]);
    assert!(unsent.code == Some(1) && unsent.err.contains("everybody on the way could read it"), "{unsent:?}");
    let sent = rights_world::with_token(&node.url(), &ops, &["status", "--plain"]);
    assert!(sent.code == Some(1) && sent.err.contains("came in the clear"), "{sent:?}");
}

#[test]
fn a_page_of_another_site_does_nothing_for_whoever_looks_at_it() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let act = |headers: &[(&str, &str)]| ask(node, "POST", "/api/groups/web/switchover", headers).status;
    let own = format!("http://{}", node.address());
    assert_ne!(act(&[("Origin", &own)]), 403, "our own page may");
    let foreign: [&[(&str, &str)]; 6] = [
        &[("Origin", "http://evil.example.org")],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:1")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", &own)],
        &[("Origin", "http://evil.example.org"), ("Authorization", "Basic YTpi")],
    ];
    for headers in foreign {
        assert_eq!(act(headers), 403, "{headers:?}");
    }
    // A name that suddenly means this machine; and somebody behind a proxy of this machine.
    let look = |headers: &[(&str, &str)]| ask(node, "GET", "/api/cluster", headers).status;
    assert_eq!(look(&[("Host", "localhost:7700")]), 200);
    assert_eq!(look(&[("Host", "evil.example.org:7700")]), 403);
    assert_eq!(look(&[("X-Forwarded-For", "10.0.0.9")]), 403);
    assert_eq!(look(&[("Forwarded", "for=10.0.0.9")]), 403);
    assert_eq!(look(&[("X-Forwarded-Proto", "https")]), 403);
    // The holder of a token is no better protected by being known.
    let ops = format!("Bearer {}", token(node, "ops", "operator"));
    assert_eq!(act(&[("Origin", "http://evil.example.org"), ("Authorization", &ops)]), 403);
    let page = ask(node, "GET", "/login", &[]);
    for line in ["content-security-policy: default-src 'none'", "frame-ancestors 'none'", "x-frame-options: DENY"] {
        assert!(page.head.contains(line), "{line:?} is not in {}", page.head);
    }
}

/// While somebody guesses, load balancers and whoever has a token notice nothing, and little is written.
#[test]
fn ten_thousand_guesses_slow_nobody() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let ops = token(node, "ops", "viewer");
    let (over, began) = (AtomicBool::new(false), Instant::now());
    let guess = |number: usize| {
        let found = status(node, "GET", "/api/cluster", Some(&format!("hst1_{number}")));
        assert!(matches!(found, 401 | 429), "{found}");
        found == 429
    };
    let (held, slowest) = std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..4)
            .map(|thread| scope.spawn(move || (0..2500).filter(|number| guess(thread * 2500 + number)).count()))
            .collect();
        let watcher = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                assert_eq!(status(node, "GET", "/leader/web", None), 200);
                assert_eq!(status(node, "GET", "/api/cluster", Some(&ops)), 200, "who has a token never waits");
                slowest = slowest.max(asked.elapsed());
            }
            slowest
        });
        let held: usize = guessers.into_iter().map(|guesser| guesser.join().unwrap()).sum();
        over.store(true, Ordering::Relaxed);
        (held, watcher.join().unwrap())
    });
    println!(
        "10000 guesses in {:?}, {held} held off; /leader and a token's holder waited {slowest:?} at most",
        began.elapsed()
    );
    assert!(held > 9000, "only {held} were held off");
    let lines: Vec<_> = refused(node).into_iter().filter(|line| line["who"] == "?").collect();
    assert!((1..100).contains(&lines.len()), "{} lines", lines.len());
    let answer = ask(node, "GET", "/api/cluster", &[("Authorization", "Bearer hst1_x")]);
    assert!(answer.status == 429 && answer.head.to_ascii_lowercase().contains("retry-after: "), "{answer:?}");
}

/// What somebody did stays on record, however often somebody else is refused; and that they were is told by their number.
#[test]
fn nobody_buries_what_was_done() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let done = |node: &Node| audit(node).into_iter().filter(|line| line["answer"].as_u64() < Some(300)).count();
    assert_eq!(as_root(node, &["pause", "--reason", "a test"]).code, Some(0));
    let eyes = format!("Bearer {}", token(node, "eyes", "viewer"));
    cluster.wait_for("it is on record", |_| (done(node) >= 2).then_some(()));
    let before = audit(node);
    let (page, low) = (("Origin", "http://evil.example.org"), ("Authorization", eyes.as_str()));
    for header in [page, low] {
        for _ in 0..500 {
            assert_eq!(ask(node, "POST", "/api/groups/web/resume", &[header]).status, 403);
        }
    }
    assert_eq!(audit(node), before, "what was done, and nothing else");
    let refused = cluster.wait_for("some are written down", |_| Some(refused(node)).filter(|lines| lines.len() > 5));
    assert!(refused.len() < 100, "{} lines about one address", refused.len());
    let told = node.log().lines().filter(|line| line.contains("asked: POST")).count();
    assert!(told < 100, "{told} lines in the agent's own log");
}

#[test]
fn the_socket_is_for_root_and_the_agents_user() {
    if !program::root() {
        return;
    }
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let path = node.path("data/hotseat.sock");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let other = || {
        let script = format!(
            "import os, socket\nos.setgid(65534); os.setuid(65534)\ns = socket.socket(socket.AF_UNIX)\ntry:\n s.connect({:?})\n \
             s.sendall(b'GET /api/cluster HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')\n print(s.recv(99))\n\
             except PermissionError:\n print('kept out')\n",
            path.display().to_string()
        );
        let output = Command::new("python3").args(["-c", &script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    assert!(other().contains("kept out"), "{}", other());
    // Even where somebody has been careless with it.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(other().contains("HTTP/1.1 403"), "{}", other());
    let status = as_root(node, &["status"]);
    assert!(status.code == Some(0) && status.out.contains("n1"), "{status:?}");
    token(node, "ops", "operator");
    let folder = format!("unix:{}", node.path("data").display());
    cluster.wait_for("the way of root is named", |_| {
        node.cli(&["status"]).err.contains(&format!("--url {folder}")).then_some(())
    });
    let told = program::run(&program::hotseat(), &["status", "--url", &folder]);
    assert!(told.code == Some(0) && told.out.contains("n1"), "{told:?}");
    let gone = program::run(&program::hotseat(), &["status", "--url", "unix:/nowhere/hotseat.sock"]);
    assert!(gone.code == Some(1) && gone.err.contains("unix:/nowhere/hotseat.sock"), "{gone:?}");
}

/// What somebody was let in for goes on no longer than that: a token as long as it is good, or that nobody needed one.
#[test]
fn a_stream_ends_with_the_token_that_began_it() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    // Its first event is there before it is to end.
    let follow = |token: &str, path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sSN", "--max-time", "60", "-H", "Accept: text/event-stream", "-H"]);
        curl.arg(format!("Authorization: Bearer {token}")).arg(format!("{}{path}", node.url()));
        let mut curl = curl.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 5];
        curl.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        curl
    };
    let ended = |mut curl: Child| {
        let ended = cluster.wait_for("the stream ends", |_| curl.try_wait().unwrap());
        assert!(ended.success(), "{ended}: it was to end by itself, not by curl's patience");
    };
    let [events, dashboard] = ["/api/events", "/dashboard/live"];
    let anyones = [follow("", events), follow("", dashboard)];
    let ops = token(node, "ops", "viewer");
    anyones.into_iter().for_each(ended);
    let (opss, others) =
        ([follow(&ops, events), follow(&ops, dashboard)], follow(&token(node, "other", "viewer"), events));
    assert_eq!(as_root(node, &["token", "revoke", "ops"]).code, Some(0));
    opss.into_iter().for_each(ended);
    // Time enough to begin with it, on a busy machine.
    let short = as_root(node, &["token", "create", "short", "--right", "viewer", "--expires", "20s"]);
    ended(follow(short.out.trim(), dashboard));
    assert_eq!(as_root(node, &["token", "revoke", "other"]).code, Some(0));
    ended(others);
}

#[test]
fn a_browser_logs_in_and_out() {
    let cluster = one(Spec::demo());
    let node = cluster.leader();
    let ops = token(node, "ops", "viewer");
    let led = ask(node, "GET", "/api/cluster", &[("Accept", "text/html")]);
    assert!(led.status == 303 && led.head.contains("location: /login?next=/api/cluster"), "{led:?}");
    let login = |token: &str, next: &str, more: &[&str]| {
        let url = format!("{}/login", node.url());
        let form = [format!("token={token}"), format!("next={next}")];
        let mut curl = Command::new("curl");
        curl.args(["-sSi", "--max-time", "60"]).args(form.iter().flat_map(|field| ["--data-urlencode", field]));
        String::from_utf8(curl.args(more).arg(url).output().unwrap().stdout).unwrap()
    };
    let wrong = login("<script>", "/\"><script>", &[]);
    assert!(wrong.starts_with("HTTP/1.1 401") && !wrong.contains("<script>"), "{wrong}");
    assert!(login(&ops, "/", &["-H", "Origin: http://evil.example.org"]).starts_with("HTTP/1.1 403"));
    assert!(login(&ops, "//evil.example.org", &[]).contains("location: /\r\n"), "never to another site");
    let right = login(&ops, "/api/cluster", &[]);
    assert!(right.starts_with("HTTP/1.1 303") && right.contains("location: /api/cluster\r\n"), "{right}");
    let cookie = right.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(&ops), "{cookie}");
    let cookie = [("Cookie", cookie.split(';').next().unwrap())];
    assert_eq!(ask(node, "GET", "/api/cluster", &cookie).status, 200);
    assert_eq!(ask(node, "GET", "/api/snapshot", &cookie).status, 403, "no more than its token");
    let foreign = [cookie[0], ("Origin", "http://evil.example.org")];
    assert_eq!(ask(node, "POST", "/logout", &foreign).status, 403);
    assert_eq!(ask(node, "GET", "/api/cluster", &cookie).status, 200, "nobody else's page logs anybody out");
    assert_eq!(ask(node, "POST", "/logout", &cookie).status, 303);
    assert_eq!(ask(node, "GET", "/api/cluster", &cookie).status, 401);
    assert!(socket(node).ends_with("hotseat.sock"));
}

//! What the dashboard costs: its first view, and an agent whose page lies open on many screens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hotseat_lab::{Cluster, Node, Spec};

use crate::args::MEMORY;
use crate::idle::spent;
use crate::progress::Progress;
use crate::stats::{Series, ms};

/// All screens of a large team.
const READERS: usize = 200;

/// First views that are timed, one after the other, each over a new connection.
const VIEWS: usize = 200;

/// A reader's stack: it does next to nothing.
const STACK: usize = 64 * 1024;

/// A page that does not come within this does not come.
const LIMIT: Duration = Duration::from_secs(10);

/// What was seen.
#[derive(Clone, Debug)]
pub(crate) struct Dashboard {
    pub(crate) views: Series,
    /// Of the page, its style and its script.
    pub(crate) bytes: [usize; 3],
    pub(crate) over: Duration,
    /// Of one core, by the agent: with nobody looking, with one reader, with all.
    pub(crate) percent: [f64; 3],
    /// That one reader was sent, a second.
    pub(crate) sent: f64,
}

/// Watches the leader's agent for so long in each of the three states.
pub(crate) fn measure(length: Duration) -> Dashboard {
    let progress = Progress::begin(format!("the dashboard, {READERS} readers, {} s", length.as_secs()));
    let cluster = Cluster::settled(Spec::demo().hot().cluster("timing", "\"fast\"").proxy("30s").place(MEMORY));
    let node = cluster.leader();
    let views = (0..VIEWS).map(|_| view(node)).collect();
    let bytes = ["/", "/dashboard/style.css", "/dashboard/script.js"].map(|path| node.get(path).unwrap().body.len());
    let (nobody, _) = cost(node, 0, length);
    let (one, _) = cost(node, 1, length);
    let (all, sent) = cost(node, READERS, length);
    progress.end(&format!("{nobody:.2} %, {one:.2} %, {all:.2} % of a core"));
    let sent = sent as f64 / READERS as f64 / length.as_secs_f64();
    Dashboard { views, bytes, over: length, percent: [nobody, one, all], sent }
}

fn view(node: &Node) -> Duration {
    let began = Instant::now();
    let page = node.get("/").expect("a page");
    assert_eq!(page.status, 200);
    began.elapsed()
}

/// Of one core by the agent's process while so many read, and the bytes that they read.
fn cost(node: &Node, readers: usize, length: Duration) -> (f64, u64) {
    let read = Arc::new(AtomicU64::new(0));
    let open: Vec<_> = (0..readers).map(|_| reader(node, &read)).collect();
    // What connecting costs is not counted: every reader has had its first frame.
    std::thread::sleep(Duration::from_secs(2));
    let pid = node.agent();
    let (began, bytes, before) = (Instant::now(), read.load(Ordering::Relaxed), total(pid));
    std::thread::sleep(length);
    let used = Duration::from_nanos(total(pid) - before);
    let (over, bytes) = (began.elapsed(), read.load(Ordering::Relaxed) - bytes);
    for stream in open {
        drop(stream.shutdown(std::net::Shutdown::Both));
    }
    (used.as_secs_f64() / over.as_secs_f64() * 100.0, bytes)
}

fn total(pid: i32) -> u64 {
    spent(pid).values().sum()
}

/// Reads until its stream is shut down.
fn reader(node: &Node, read: &Arc<AtomicU64>) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&node.address(), LIMIT).unwrap();
    let request = format!("GET /dashboard/live HTTP/1.1\r\nHost: {}\r\n\r\n", node.address());
    stream.write_all(request.as_bytes()).unwrap();
    let (mut its, read) = (BufReader::new(stream.try_clone().unwrap()), Arc::clone(read));
    let mut status = String::new();
    its.read_line(&mut status).unwrap();
    assert!(status.starts_with("HTTP/1.1 200 "), "no reader: {status}");
    let body = move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(more) = its.read(&mut bytes)
            && more > 0
        {
            read.fetch_add(more as u64, Ordering::Relaxed);
        }
    };
    std::thread::Builder::new().stack_size(STACK).spawn(body).unwrap();
    stream
}

/// Its section of the report.
pub(crate) fn told(found: &Dashboard, stamp: &str) -> String {
    let [page, style, script] = found.bytes.map(|bytes| format!("{:.1} KB", bytes as f64 / 1024.0));
    let [nobody, one, all] = found.percent;
    let views = &found.views;
    format!(
        "## The dashboard\n\n{stamp}\n\nThe leader's agent of three, `fast`, one group. First views one after the other, each over a new \
         connection on loopback: aim ≤ 100 ms and ≤ 50 KB. Open pages follow the stream; the agent's processor time over {:.0} s \
         each: aim ≤ 5 % of a core for {READERS}.\n\n\
         | first view of {VIEWS} | p50 | p99 | max |\n| --- | --: | --: | --: |\n| ms | {} | {} | {} |\n\n\
         The page is {page}, its style {style}, its script {script} (both kept by browsers).\n\n\
         | pages open | % of a core | more than with none |\n| --: | --: | --: |\n\
         | 0 | {nobody:.2} | |\n| 1 | {one:.2} | {:.2} |\n| {READERS} | {all:.2} | {:.2} |\n\n\
         Each open page was sent {:.1} KB a second.\n",
        found.over.as_secs_f64(),
        ms(views.percentile(50)),
        ms(views.percentile(99)),
        ms(views.max()),
        one - nobody,
        all - nobody,
        found.sent / 1024.0,
    )
}

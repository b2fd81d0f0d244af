//! How `hotseat dev` looks: the head, the table, what to try, the story. It only draws.

use std::path::Path;
use std::time::{Duration, Instant};

use super::paint::{Line, Paint, pad};
use super::probe::{PACE, Probe};
use super::stage::{Seen, Stage};
use super::story::millis;

/// Cells of the bar that shows what is left of a lease.
const BAR: u128 = 7;

/// A column: its title, its width, and from which width of the terminal on it is there.
const COLUMNS: [(&str, usize, usize); 7] = [
    ("NODE", 4, 0),
    ("STATE", 13, 0),
    ("EPOCH", 7, 30),
    ("SERVICE", 26, 76),
    ("AGENT", 12, 40),
    ("RENEWED", 9, 92),
    ("LEASE LEFT", 16, 100),
];

/// The lines above the table.
pub(super) fn head(stage: &Stage) -> Vec<Line> {
    let plan = &stage.plan;
    let nodes = if plan.nodes == 1 { String::from("1 node") } else { format!("{} nodes", plan.nodes) };
    let title = format!(
        " · cluster \"{}\" · {nodes} · store raft · timing {} (ttl {}) · standbys {} · times in UTC",
        super::plan::CLUSTER,
        plan.timing,
        millis(plan.ttl()),
        if plan.hot { "hot" } else { "cold" }
    );
    let mut lines =
        vec![Line::default(), Line::new(Paint::Bold, "  hotseat dev").and(Paint::Plain, title), Line::default()];
    lines.push(match stage.proxy {
        Some(proxy) => entry(
            "proxy",
            &format!("http://{proxy}"),
            &format!("follows the leader of \"{}\"{}", plan.group, stage.proxy_note),
        ),
        None => entry("proxy", "none", "the command has no {port}, so nothing is known to listen"),
    });
    let others: Vec<_> = stage.nodes.iter().skip(1).map(|node| node.port.to_string()).collect();
    let also = if others.is_empty() { String::new() } else { format!("also on {}", others.join(", ")) };
    lines.push(entry("dashboard", &stage.nodes[0].url(), &also));
    lines.push(entry("logs", &stage.nodes[0].folder.join("n*.log").display().to_string(), ""));
    lines
}

fn entry(name: &str, what: &str, note: &str) -> Line {
    Line::new(Paint::Faint, format!("  {name:<10}"))
        .and(Paint::Plain, pad(what, 27))
        .and(Paint::Faint, format!("  {note}"))
}

/// Who keeps the leases.
pub(super) fn voters(stage: &Stage) -> Line {
    let (count, run) = stage.voters();
    let run = run.len();
    let text = match (count, &stage.sight.trouble) {
        (0, _) => return entry("voters", "none yet", ""),
        (2.., _) if stage.stuck => format!("{run}/{count} run: no majority, nobody can take over"),
        (_, Some(trouble)) => format!("{run}/{count} run: {trouble}"),
        (_, None) => {
            let spare = run.saturating_sub(count / 2 + 1);
            let note = if spare == 0 { String::from("can lose none") } else { format!("can lose {spare} more") };
            return entry("voters", &format!("{run}/{count}"), &note);
        }
    };
    Line::new(Paint::Faint, "  voters    ").and(Paint::Bad, text)
}

/// What the clients of the probe felt so far.
pub(super) fn probe(probe: &Probe) -> Line {
    let Some(kind) = probe.kind() else { return entry("probe", "waits for a leader", "") };
    let all = probe.all();
    let text = format!(
        "{} every {}: {} answered, {} failed, longest wait {}",
        kind.words(),
        millis(PACE),
        all.answered,
        all.failed,
        millis(all.longest)
    );
    Line::new(Paint::Faint, "  probe  ").and(if all.failed == 0 { Paint::Plain } else { Paint::Bad }, text)
}

/// The members.
pub(super) fn table(stage: &Stage, width: usize) -> Vec<Line> {
    let shown: Vec<_> = (0..COLUMNS.len()).filter(|column| COLUMNS[*column].2 <= width).collect();
    let titles: String = shown.iter().map(|column| pad(COLUMNS[*column].0, COLUMNS[*column].1 + 2)).collect();
    let mut lines = vec![Line::default(), Line::new(Paint::Faint, format!("  {titles}"))];
    for (place, seen) in stage.seen.iter().enumerate() {
        let cells = cells(stage, place, seen);
        let mut line = Line::new(Paint::Plain, "  ");
        for column in &shown {
            let paint = if *column == 1 { paint(&cells[1]) } else { Paint::Plain };
            line = line.and(paint, pad(&cells[*column], COLUMNS[*column].1 + 2));
        }
        lines.push(line);
    }
    lines
}

fn paint(state: &str) -> Paint {
    match state {
        "leader" => Paint::Good,
        "frozen" | "down" | "lease over" | "failed" | "offline" => Paint::Bad,
        _ => Paint::Plain,
    }
}

fn cells(stage: &Stage, place: usize, seen: &Seen) -> [String; 7] {
    let node = &stage.nodes[place];
    let member = stage.sight.members.iter().find(|member| member.node == node.name);
    let leads = stage.sight.leader.as_ref() == Some(&node.name);
    let alive = seen.pid > 0;
    let age = seen.said.as_ref().map(|said| said.at.elapsed()).unwrap_or_default();
    let cluster = seen.said.as_ref().map(|said| &said.cluster);
    let left = cluster.and_then(|it| it.lease_left_ms).map(|left| Duration::from_millis(left).saturating_sub(age));
    let renewed = cluster.and_then(|it| it.renewed_ms).map(|since| Duration::from_millis(since) + age);
    let state = match member {
        None if seen.pid == 0 => "starting",
        _ if seen.pid == 0 => "down",
        _ if seen.frozen => "frozen",
        // Without a majority its record cannot say so.
        _ if leads && stage.stuck && left.is_none_or(|left| left.is_zero()) => "lease over",
        _ if leads && !stage.sight.serving => "leads, waits",
        _ if leads => "leader",
        Some(member) => member.state.as_str(),
        None => "starting",
    };
    let service = member.and_then(|member| member.service.clone()).filter(|_| alive);
    let dash = || String::from("–");
    [
        node.name.clone(),
        state.to_owned(),
        if leads { stage.sight.epoch.to_string() } else { dash() },
        match (service, seen.service_pid()) {
            (Some(service), Some(pid)) if alive => format!("{service} pid {pid}"),
            (None, Some(pid)) if alive => format!("pid {pid}"),
            _ => dash(),
        },
        if alive { format!("pid {}", seen.pid) } else { dash() },
        renewed.filter(|_| alive).map_or_else(dash, millis_short),
        left.filter(|_| alive)
            .map_or_else(dash, |left| format!("{:<7} {}", millis_short(left), bar(left, stage.plan.ttl()))),
    ]
}

fn millis_short(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn bar(left: Duration, ttl: Duration) -> String {
    let full = (left.as_millis() * BAR).div_ceil(ttl.as_millis().max(1)).min(BAR);
    (0..BAR).map(|cell| if cell < full { '▇' } else { '▁' }).collect()
}

/// What to do in another terminal, with the numbers of this moment.
pub(super) fn tries(stage: &Stage) -> Vec<Line> {
    let leader = stage.nodes.iter().position(|node| stage.sight.leader.as_ref() == Some(&node.name));
    let Some(place) = leader.filter(|place| stage.seen[*place].pid > 0) else { return Vec::new() };
    let (node, seen) = (&stage.nodes[place], &stage.seen[place]);
    let mut all = vec![
        (format!("kill -9 {}", seen.pid), "the agent dies; its service dies with it, another takes over"),
        (format!("kill -STOP {}", seen.pid), "it hangs; it is fenced when its lease ends"),
    ];
    if let Some(pid) = seen.service_pid() {
        let then = if stage.plan.hot && stage.plan.nodes > 1 {
            "only the service dies; a hot standby takes over"
        } else {
            "only the service dies; it is started again"
        };
        all.push((format!("kill -9 {pid}"), then));
    }
    all.push((format!("{} switchover --url {}", stage.hotseat, node.url()), "planned: the old one stops first"));
    let frozen = stage.seen.iter().find(|seen| seen.frozen);
    all.extend(
        frozen.map(|seen| (format!("kill -CONT {}", seen.pid), "the frozen one thaws, and finds its time is over")),
    );
    if let Some(proxy) = stage.proxy {
        all.push((format!("curl http://{proxy}"), "whoever leads answers"));
    }
    let width = all.iter().map(|(command, _)| command.len()).max().unwrap_or(0).min(76);
    let mut lines = vec![Line::default(), Line::new(Paint::Plain, "  Try it, in another terminal:")];
    lines.extend(all.into_iter().map(|(command, then)| {
        Line::new(Paint::Bold, format!("    {}", pad(&command, width))).and(Paint::Faint, format!("   {then}"))
    }));
    lines
}

/// The newest lines of the story.
pub(super) fn story(lines: &[String], room: usize) -> Vec<Line> {
    let newest = &lines[lines.len().saturating_sub(room)..];
    newest.iter().map(|line| Line::new(Paint::Plain, format!("  {line}"))).collect()
}

/// How the user can call us: by name if the shell would find us, else as a path from here.
pub(super) fn own_name() -> String {
    let Ok(exe) = std::env::current_exe() else { return String::from("hotseat") };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("hotseat")).find(|it| it.is_file());
    if found.is_some_and(|found| found.canonicalize().is_ok_and(|found| found == exe)) {
        return String::from("hotseat");
    }
    let here = std::env::current_dir().unwrap_or_default();
    let near: &Path = exe.strip_prefix(&here).unwrap_or(&exe);
    near.display().to_string()
}

/// The last line: what it came to.
pub(super) fn sum(changes: u64, toll: Option<&Probe>, took: Instant) -> String {
    let changes =
        if changes == 1 { String::from("1 change of leader") } else { format!("{changes} changes of leader") };
    let served = toll.map(|probe| {
        let all = probe.all();
        let kind = probe.kind().map(|kind| format!(" · {}", kind.words())).unwrap_or_default();
        format!("{kind}: {} answered, {} failed, longest wait {}", all.answered, all.failed, millis(all.longest))
    });
    format!("after {:.0} s: {changes}{}", took.elapsed().as_secs_f64(), served.unwrap_or_default())
}

//! The loop of `hotseat dev`: it hears news, keeps the stage, and shows it until somebody or the time ends it.

use std::time::{Duration, Instant};

use hotseat_client::Sight;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::News;
use super::frame;
use super::node::Phase;
use super::paint::{Line, Paint};
use super::probe::Probe;
use super::screen::Screen;
use super::stage::{Seen, Stage};
use super::tail;
use crate::commands::Failed;

/// Between two pictures.
const PACE: Duration = Duration::from_millis(100);

/// A server that is not ready by then never will be, or needs another tool than this one.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A log that has grown beyond this begins anew: the folder is in memory.
const LOG_MAX: u64 = 32 << 20;

/// So many vote as soon as there are so many; of four nodes, three.
const VOTERS_USUAL: usize = 3;

/// Lines of the head that only some pictures have.
const MARGIN: usize = 2;

/// See the module.
pub(super) struct Show {
    stage: Stage,
    probe: Option<Probe>,
    sight: watch::Receiver<Sight>,
    news: mpsc::Receiver<News>,
    length: Option<Duration>,
    screen: Screen,
    began: Instant,
    serves_since: Option<Instant>,
    /// Lines of the story that have been printed, without a terminal.
    printed: usize,
}

/// Ctrl-C, TERM and a terminal that is closed.
struct Ends {
    int: Signal,
    term: Signal,
    hup: Signal,
}

impl Ends {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.int.recv() => {}
            _ = self.term.recv() => {}
            _ = self.hup.recv() => {}
        }
    }
}

impl Show {
    pub(super) fn new(
        stage: Stage,
        probe: Option<Probe>,
        sight: watch::Receiver<Sight>,
        news: mpsc::Receiver<News>,
        length: Option<Duration>,
    ) -> Self {
        let screen = Screen::new();
        Self { stage, probe, sight, news, length, screen, began: Instant::now(), serves_since: None, printed: 0 }
    }

    /// Shows until the end, and sees to it that every agent has ended.
    pub(super) async fn run(mut self, phase: &watch::Sender<Phase>, tending: &mut JoinSet<()>) -> Result<(), Failed> {
        let mut ends = Ends::new()?;
        if !self.screen.is_live() {
            self.screen.print(&frame::head(&self.stage));
        }
        let result = self.watch(&mut ends).await;
        self.farewell(result.is_ok());
        phase.send_replace(Phase::Stopping);
        self.wait(&mut ends, phase, tending).await;
        result
    }

    async fn watch(&mut self, ends: &mut Ends) -> Result<(), Failed> {
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = ends.next() => return Ok(()),
                Ok(()) = self.sight.changed() => {
                    let sight = self.sight.borrow_and_update().clone();
                    self.stage.saw(sight);
                }
                Some(news) = self.news.recv() => self.stage.hear(news),
                _ = ticks.tick() => if self.tick()? { return Ok(()) },
            }
            self.stage.settle(self.probe.as_ref());
        }
    }

    /// Shows what there is. `true` when the time is over, or nobody can see it any more.
    fn tick(&mut self) -> Result<bool, Failed> {
        if self.stage.served && self.serves_since.is_none() && self.ready_to_show() {
            self.serves_since = Some(Instant::now());
            if !self.screen.is_live() {
                let (voters, table) = (vec![frame::voters(&self.stage)], frame::table(&self.stage, usize::MAX));
                self.screen.print(&[voters, table, frame::tries(&self.stage), vec![Line::default()]].concat());
            }
        }
        self.trim();
        if self.stage.is_hopeless() || (self.serves_since.is_none() && self.began.elapsed() > READY_LIMIT) {
            return Err(tail::failure(&self.stage));
        }
        let seen = if self.screen.is_live() { self.draw() } else { self.print() };
        let over = self.length.is_some_and(|length| self.serves_since.is_some_and(|since| since.elapsed() >= length));
        Ok(over || !seen)
    }

    /// The first table is worth more with all its numbers.
    fn ready_to_show(&self) -> bool {
        let (plan, sight) = (&self.stage.plan, &self.stage.sight);
        let known = |seen: &Seen| seen.is_renewed() && (seen.service_pid().is_some() || !plan.hot);
        let stand = sight.members.len() == plan.nodes && sight.members.iter().all(|member| member.state != "starting");
        let vote = sight.voters.len() >= plan.nodes.min(VOTERS_USUAL);
        (self.stage.seen.iter().all(known) && stand && vote) || self.began.elapsed() > READY_LIMIT / 4
    }

    fn draw(&mut self) -> bool {
        let (width, height) = self.screen.size();
        let mut lines = frame::head(&self.stage);
        lines.push(frame::voters(&self.stage));
        lines.extend(self.probe.as_ref().map(frame::probe));
        lines.extend(frame::table(&self.stage, width));
        lines.extend(frame::tries(&self.stage));
        lines.push(Line::default());
        let room = height.saturating_sub(lines.len() + MARGIN).max(1);
        lines.extend(frame::story(self.stage.story.lines(), room));
        self.screen.draw(&lines)
    }

    fn print(&mut self) -> bool {
        let lines = self.stage.story.lines();
        if self.serves_since.is_none() || self.printed == lines.len() {
            return true;
        }
        let new = frame::story(&lines[self.printed..], usize::MAX);
        self.printed = lines.len();
        self.screen.print(&new)
    }

    /// The last picture, the whole story, and what it came to.
    fn farewell(&mut self, well: bool) {
        if self.screen.is_live() {
            self.screen.clear();
            let mut lines = frame::head(&self.stage);
            lines.push(Line::default());
            lines.extend(frame::story(self.stage.story.lines(), usize::MAX));
            self.screen.print(&lines);
        } else if well {
            self.print();
        }
        if well {
            let sum = frame::sum(
                self.stage.story.changes(),
                self.probe.as_ref(),
                self.serves_since.unwrap_or_else(Instant::now),
            );
            self.screen.print(&[Line::default(), Line::new(Paint::Plain, format!("  {sum}"))]);
        }
    }

    /// Waits for the agents. Whoever asks a second time gets it at once.
    async fn wait(&mut self, ends: &mut Ends, phase: &watch::Sender<Phase>, tending: &mut JoinSet<()>) {
        loop {
            tokio::select! {
                ended = tending.join_next() => if ended.is_none() { return },
                () = ends.next() => drop(phase.send_replace(Phase::Killing)),
                // Nobody may wait for room among the news.
                Some(_) = self.news.recv() => {}
            }
        }
    }

    fn trim(&self) {
        for node in &self.stage.nodes {
            if std::fs::metadata(node.log()).is_ok_and(|log| log.len() > LOG_MAX) {
                // They append: what comes next stands at its beginning.
                drop(std::fs::OpenOptions::new().write(true).open(node.log()).and_then(|log| log.set_len(0)));
            }
        }
    }
}

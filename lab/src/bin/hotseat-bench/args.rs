//! What is to be measured, from the command line.

use std::path::PathBuf;
use std::time::Duration;

use hotseat_lab::rivals;
use hotseat_lab::spec::Store;

use crate::fault::Fault;
use crate::section::Section;

/// A folder in memory, for clusters that no disk slows down.
pub(crate) const MEMORY: &str = "/dev/shm";

/// Where `--disk` points when nobody says.
const DISK: &str = "/var/tmp";

pub(crate) const USAGE: &str = "\
hotseat-bench: measures what faults cost, from outside

  --quick             5 trials of each fault, and short looks at everything else
  --trials N          so many trials of each fault (30; 200 of fronts)
  --rivals-trials N   and so many on each of Hotseat's rivals, which are slow (as many)
  --only PART,…       faults, idle, speed, alarms, endurance, swaps,
                      rivals, fronts, load, endpoints, dashboard
  --count N           so many failovers in one life (10000)
  --alarms-for TIME   how long to look for false alarms (60s)
  --system NAME       of the rivals this one alone: hotseat, etcd or keepalived
  --store NAME        where Hotseat's nodes agree beside its rivals: dir or raft (dir)
  --fault NAME        this fault alone (may be given again), of those on Hotseat alone or of those side by side
  --disk DIR          a folder on a real disk (/var/tmp)
  --write FILE        the report into FILE too; prose that stands there is kept

Build first: cargo build --release -p hotseat -p hotseat-lab";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Faults,
    Idle,
    Speed,
    Alarms,
    Endurance,
    Swaps,
    Rivals,
    Fronts,
    Load,
    Endpoints,
    Dashboard,
}

const PARTS: [(&str, Part); 11] = [
    ("faults", Part::Faults),
    ("idle", Part::Idle),
    ("speed", Part::Speed),
    ("alarms", Part::Alarms),
    ("endurance", Part::Endurance),
    ("swaps", Part::Swaps),
    ("rivals", Part::Rivals),
    ("fronts", Part::Fronts),
    ("load", Part::Load),
    ("endpoints", Part::Endpoints),
    ("dashboard", Part::Dashboard),
];

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) trials: usize,
    /// Of each fault through a proxy: most of them cost nothing but time, and the rare ones count.
    pub(crate) front_trials: usize,
    pub(crate) quick: bool,
    parts: Vec<Part>,
    pub(crate) failovers: usize,
    pub(crate) alarms_for: Duration,
    pub(crate) faults: Vec<Fault>,
    /// What is done to Hotseat and its rivals, side by side.
    pub(crate) blows: Vec<rivals::Fault>,
    rivals_trials: Option<usize>,
    pub(crate) disk: String,
    pub(crate) system: Option<String>,
    pub(crate) store: Store,
    pub(crate) write: Option<PathBuf>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            trials: 30,
            front_trials: 200,
            quick: false,
            parts: PARTS.map(|(_, part)| part).to_vec(),
            failovers: 10_000,
            alarms_for: Duration::from_secs(60),
            faults: Fault::ALL.to_vec(),
            blows: rivals::Fault::ALL.to_vec(),
            rivals_trials: None,
            disk: DISK.to_owned(),
            system: None,
            store: Store::Dir,
            write: None,
        }
    }
}

impl Args {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut args = Self::default();
        let (mut faults, mut blows) = (Vec::new(), Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => args.be_quick(),
                "--trials" => {
                    args.trials = number(word, value()?)?;
                    args.front_trials = args.trials;
                }
                "--count" => args.failovers = number(word, value()?)?,
                "--alarms-for" => args.alarms_for = time(word, value()?)?,
                "--only" => args.parts = value()?.split(',').map(part).collect::<Result<_, _>>()?,
                "--rivals-trials" => args.rivals_trials = Some(number(word, value()?)?),
                "--fault" => fault(value()?, &mut faults, &mut blows)?,
                "--disk" => args.disk.clone_from(value()?),
                "--system" => args.system = Some(value()?.clone()),
                "--store" => args.store = Store::named(value()?).ok_or("--store takes dir or raft")?,
                "--write" => args.write = Some(value()?.into()),
                other => return Err(format!("{other} is not known here")),
            }
        }
        if !(faults.is_empty() && blows.is_empty()) {
            (args.faults, args.blows) = (faults, blows);
        }
        Ok(args)
    }

    pub(crate) fn rivals_trials(&self) -> usize {
        self.rivals_trials.unwrap_or(self.trials)
    }

    pub(crate) fn does(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Whether nothing is asked for but parts that stand in a report by themselves.
    pub(crate) fn does_sections_only(&self) -> bool {
        self.parts.iter().all(|part| Section::ALL.iter().any(|section| section.part == *part))
    }

    fn be_quick(&mut self) {
        (self.quick, self.trials, self.front_trials, self.failovers) = (true, 5, 5, 200);
        self.alarms_for = Duration::from_secs(10);
    }

    pub(crate) fn swap_for(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 10 })
    }

    /// Each round of a closed loop.
    pub(crate) fn load_for(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 10 })
    }

    pub(crate) fn idle_for(&self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { 20 })
    }
}

fn part(name: &str) -> Result<Part, String> {
    let found = PARTS.iter().find(|(its, _)| *its == name).map(|(_, part)| *part);
    let names = PARTS.map(|(name, _)| name).join(", ");
    found.ok_or_else(|| format!("{name} is not one of {names}"))
}

/// A name may be of a fault on Hotseat alone, of one on all side by side, or of both.
fn fault(name: &str, faults: &mut Vec<Fault>, blows: &mut Vec<rivals::Fault>) -> Result<(), String> {
    let alone = Fault::ALL.into_iter().find(|fault| fault.name() == name);
    let beside = rivals::Fault::ALL.into_iter().find(|fault| fault.name() == name);
    faults.extend(alone);
    blows.extend(beside);
    if alone.is_some() || beside.is_some() {
        return Ok(());
    }
    let (alone, beside) =
        (Fault::ALL.map(Fault::name).join(", "), rivals::Fault::ALL.map(rivals::Fault::name).join(", "));
    Err(format!("no fault {name}; there are {alone}; and beside rivals {beside}"))
}

fn number(word: &str, value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{word} takes a number above 0, not {value}"))
}

fn time(word: &str, value: &str) -> Result<Duration, String> {
    humantime::parse_duration(value).map_err(|why| format!("{word} takes a time as 60s or 1h, not {value}: {why}"))
}

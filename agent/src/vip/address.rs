//! One address of a leading node: found free, raised by the guard, told to everybody, and told again.

use std::fmt;
use std::io;
use std::time::Duration;

use hotseat_core::Epoch;
use hotseat_guard::{Address, Link, Look, Mac};
use tokio::sync::mpsc;

use super::followers::Word;
use super::group::Follower;
use super::holdings::NEWS_MAX;
use super::shown::One;
use super::wire::Wire;
use crate::config::Subnet;

/// Pause before another try; it doubles up to `RETRY_MAX`. An old owner that is just leaving needs milliseconds.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// When everybody is told, counted from the last time: at once, and again for those whose wire lost it.
const TOLD_AGAIN: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1500)];
/// And from then on: for a switch that was restarted, or a neighbour that believes an older owner.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Why an address is not up.
#[derive(Debug)]
enum Trouble {
    NoInterface(String),
    Down(String),
    NoHardwareAddress(String),
    HereAlready(Subnet),
    InUse(Subnet, Mac),
    NotAllowed(Subnet),
    Refused(Subnet, io::Error),
    /// It was up.
    Lost(Subnet, Option<io::Error>),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInterface(name) => write!(f, "there is no interface {name} on this machine"),
            Self::Down(name) => write!(f, "interface {name} is down: switch it on, or plug its cable in"),
            Self::NoHardwareAddress(name) => {
                write!(f, "interface {name} has no hardware address: nobody on it could be told where the address is")
            }
            Self::HereAlready(it) => {
                write!(f, "{} is on this machine already, and not by our doing: remove it (ip address delete)", it.ip)
            }
            Self::InUse(it, owner) => write!(f, "{} is in use on the network, by {}", it.ip, Hex(owner)),
            Self::NotAllowed(it) => {
                write!(f, "not allowed to add {it}: run the agent as root, or with CAP_NET_ADMIN and CAP_NET_RAW")
            }
            Self::Refused(it, why) => write!(f, "{it} cannot be added: {why}"),
            Self::Lost(it, Some(why)) => write!(f, "{it} was lost: {why}"),
            Self::Lost(it, None) => write!(f, "{it} was lost with its guard"),
        }
    }
}

struct Hex<'a>(&'a Mac);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Holds the address of this place in the configuration; goes on until it is dropped.
pub(super) async fn hold(follower: &Follower, epoch: Epoch, place: usize) {
    let Some(vip) = &follower.unit.config.vip else { return };
    let (subnet, interface) = (vip.addresses[place], vip.interface.as_str());
    let mut pause = RETRY_MIN;
    let mut last = String::new();
    loop {
        let raised = raise(follower, epoch, subnet, interface).await;
        let trouble = match raised {
            Err(trouble) => trouble,
            Ok((wire, mut news)) => {
                follower.show_address(place, One { up: true, trouble: None }).await;
                follower.tell("address-up", epoch, false, format!("{subnet} is up on {interface}, epoch {epoch}"));
                (pause, last) = (RETRY_MIN, String::new());
                stay(follower, &wire, &mut news, subnet).await
            }
        };
        let text = trouble.to_string();
        follower.show_address(place, One { up: false, trouble: Some(text.clone()) }).await;
        if text != last {
            follower.tell("address-trouble", epoch, true, text.clone());
            last = text;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

type News = mpsc::Receiver<io::Result<()>>;

async fn raise(follower: &Follower, epoch: Epoch, subnet: Subnet, name: &str) -> Result<(Wire, News), Trouble> {
    let link = look(subnet, name.to_owned()).await?;
    let refused = |error| because(subnet, error);
    let mac = link.mac.ok_or_else(|| Trouble::NoHardwareAddress(name.to_owned()))?;
    let wire = Wire::open(&link, mac, subnet.ip).map_err(refused)?;
    if let Some(owner) = wire.probe().await.map_err(refused)? {
        return Err(Trouble::InUse(subnet, owner));
    }
    let (tell, mut news) = mpsc::channel(NEWS_MAX);
    let address = Address { interface: link.index, ip: subnet.ip, prefix: subnet.prefix };
    let (group, seconds) = (follower.group().clone(), follower.hands.seconds);
    follower.say(Word::Raise { group, epoch, address, seconds, tell }).await;
    match news.recv().await {
        Some(Ok(())) => Ok((wire, news)),
        Some(Err(error)) => Err(because(subnet, error)),
        None => Err(Trouble::Lost(subnet, None)),
    }
}

/// The interface, if the address could come to it. On a thread of its own: the kernel may keep a look waiting.
async fn look(subnet: Subnet, name: String) -> Result<Link, Trouble> {
    let looked = tokio::task::spawn_blocking(move || {
        let mut look = Look::new().map_err(|error| because(subnet, error))?;
        let link = match look.link(&name) {
            Ok(link) if link.up => link,
            Ok(_) => return Err(Trouble::Down(name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Trouble::NoInterface(name)),
            Err(error) => return Err(because(subnet, error)),
        };
        let here = look.addresses().map_err(|error| because(subnet, error))?;
        if here.iter().any(|address| address.ip == subnet.ip) {
            return Err(Trouble::HereAlready(subnet));
        }
        Ok(link)
    });
    looked.await.unwrap_or_else(|error| Err(because(subnet, io::Error::other(error))))
}

fn because(subnet: Subnet, error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Trouble::NotAllowed(subnet),
        io::ErrorKind::AlreadyExists => Trouble::HereAlready(subnet),
        _ => Trouble::Refused(subnet, error),
    }
}

/// Tells everybody, again and again, until the address is lost.
async fn stay(follower: &Follower, wire: &Wire, news: &mut News, subnet: Subnet) -> Trouble {
    for pause in TOLD_AGAIN.into_iter().chain(std::iter::repeat(TOLD_EVERY)) {
        if follower.leased()
            && let Err(error) = wire.announce()
        {
            // A cable that is out: whoever plugs it in is told the next time.
            tracing::debug!("{subnet} could not be announced: {error}");
        }
        match tokio::time::timeout(pause, news.recv()).await {
            Err(_) | Ok(Some(Ok(()))) => {}
            Ok(Some(Err(error))) => return Trouble::Lost(subnet, Some(error)),
            Ok(None) => return Trouble::Lost(subnet, None),
        }
    }
    unreachable!("the last pause is repeated for ever")
}

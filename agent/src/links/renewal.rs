//! Keeps this node's certificate fresh: signs it itself if it holds the CA's key, else asks any other member.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::join::ours;
use super::{Links, Peer};
use crate::identity::{Folder, Identity, Keeper, NodeKey, NodeSeat, Source, State};

/// How often the certificate's life is looked at. It is renewed with a month to spare.
const LOOK: Duration = Duration::from_secs(3_600);

/// For one member to answer.
const ASKING_MAX: Duration = Duration::from_secs(10);

/// Renews the certificate when a third of its life is left. Ends when it is aborted; returns at once where the
/// certificates are somebody else's, or there are none.
pub async fn keep_fresh(keeper: Arc<Keeper>, links: Links, members: watch::Receiver<Vec<Peer>>) {
    while matches!(keeper.source(), Source::Own(..)) {
        if due(&keeper) {
            let members = members.borrow().clone();
            match renew(&keeper, &links, &members).await {
                Ok(()) => tracing::info!("this node's certificate was renewed"),
                Err(why) => tracing::warn!("this node's certificate could not be renewed: {why}"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Renews the certificate before anybody is spoken to, if it is due and this node can by itself: members that were all away
/// for longer than theirs live would turn each other away for ever.
pub async fn wake_up(keeper: &Arc<Keeper>) {
    if !due(keeper) {
        return;
    }
    match by_itself(keeper).await {
        Some(Ok(())) => tracing::info!("this node's certificate was renewed"),
        Some(Err(why)) => tracing::warn!("this node's certificate could not be renewed: {why}"),
        // Another member is asked later.
        None => {}
    }
}

fn due(keeper: &Keeper) -> bool {
    keeper.health(SystemTime::now()).is_some_and(|health| health.state != State::Fresh)
}

/// Renews the certificate with the CA's key; `None` where this node does not hold it.
async fn by_itself(keeper: &Arc<Keeper>) -> Option<Result<(), String>> {
    let Source::Own(folder, ..) = keeper.source() else { return None };
    let identity = Arc::clone(&keeper.watch().borrow());
    identity.authority()?;
    let made = read_key(folder.clone()).await.and_then(|(key, request)| Ok((key, sign(&identity, &request)?)));
    Some(match made {
        Ok((key, cert)) => put(keeper, folder, &identity, &key, cert).await,
        Err(why) => Err(why),
    })
}

/// Renews the certificate now.
///
/// # Errors
/// Why it could not be; the old one stays.
pub async fn renew(keeper: &Arc<Keeper>, links: &Links, members: &[Peer]) -> Result<(), String> {
    let Source::Own(folder, ..) = keeper.source() else {
        return Err("these certificates are given: whoever made them has to renew them".to_owned());
    };
    if let Some(renewed) = by_itself(keeper).await {
        return renewed;
    }
    let identity = Arc::clone(&keeper.watch().borrow());
    let (key, request) = read_key(folder.clone()).await?;
    let cert = ask(links, members, identity.name().id, request).await?;
    put(keeper, folder, &identity, &key, cert).await
}

/// Puts a new certificate in the old one's place, on disk and in use.
async fn put(
    keeper: &Arc<Keeper>,
    folder: &Folder,
    identity: &Identity,
    key: &NodeKey,
    cert: String,
) -> Result<(), String> {
    if !ours(identity, &cert, key) {
        return Err("the certificate that came is not for this node".to_owned());
    }
    let (folder, keeper) = (folder.clone(), Arc::clone(keeper));
    on_disk(move || folder.renew(&cert).and_then(|()| keeper.reload()).map_err(|why| why.to_string())).await
}

async fn read_key(folder: Folder) -> Result<(NodeKey, String), String> {
    on_disk(move || {
        let key = folder.key().map_err(|why| why.to_string())?;
        let request = key.request().map_err(|why| why.to_string())?;
        Ok((key, request))
    })
    .await
}

/// Disks may hang: not in a thread that others need.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|why| why.to_string())?
}

fn sign(identity: &Identity, request: &str) -> Result<String, String> {
    let (authority, name) = (identity.authority().ok_or("this node does not hold the CA's key")?, identity.name());
    let hosts = identity.certificate().map(|it| it.hosts.clone()).unwrap_or_default();
    let node = NodeSeat { name: &name.node, id: name.id, hosts: &hosts };
    authority.sign(&node, request, SystemTime::now()).map_err(|why| why.to_string())
}

async fn ask(links: &Links, members: &[Peer], own: u64, request: String) -> Result<String, String> {
    let mut tried = vec!["no member could renew it".to_owned()];
    for member in members.iter().filter(|member| member.id != own) {
        match links.renew(member, request.clone(), ASKING_MAX).await {
            Ok(cert) => return Ok(cert),
            Err(why) => tried.push(why.to_string()),
        }
    }
    Err(tried.join("; "))
}

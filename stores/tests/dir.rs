//! What `dir:PATH` adds to the suite: hostile directories, damage, and clear errors.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use hotseat_stores::{Body, Dir, Key, Store, Written};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn first() {
    let place = tempfile::tempdir().unwrap();
    let store = Dir::open(place.path().join("store"), "netmon", LIMIT)
        .await
        .unwrap();
    let (key, body) = (
        Key::parse("session/n1").unwrap(),
        Body::new("hello").unwrap(),
    );
    assert_eq!(store.read(&key).await, Ok(None));
    assert_eq!(
        store.write(&key, None, 1, body.clone()).await,
        Written::Applied { version: 1 }
    );
    assert_eq!(
        store.write(&key, None, 2, body.clone()).await,
        Written::Refused
    );
    assert_eq!(
        store.write(&key, Some(1), 3, body.clone()).await,
        Written::Applied { version: 2 }
    );
    assert_eq!(
        store.write(&key, Some(1), 4, body.clone()).await,
        Written::Refused
    );
    assert_eq!(store.list().await.unwrap().len(), 1);
    println!("{:?}", store.single_point_of_failure());
}

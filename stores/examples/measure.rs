//! How long an idle list of 8 keys and a compare-and-swap take: `cargo run --release --example measure -- DIR…`

use std::path::Path;
use std::time::{Duration, Instant};

use hotseat_stores::{Body, Dir, Key, Store, Written};

const LISTS: u32 = 5_000;
const SWAPS: u64 = 300;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let places: Vec<String> = std::env::args().skip(1).collect();
    let default = ["/tmp".to_owned(), "/dev/shm".to_owned()];
    for place in if places.is_empty() { default.as_slice() } else { &places } {
        measure(Path::new(place)).await?;
    }
    Ok(())
}

async fn measure(place: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let path = place.join(format!("hotseat-measure-{}", std::process::id()));
    let store = Dir::open(&path, "measure", Duration::from_secs(5)).await?;
    let keys: Vec<Key> = (0..8).filter_map(|n| Key::parse(&format!("session/n{n}")).ok()).collect();
    for (nonce, key) in (1..).zip(&keys) {
        store.write(key, None, nonce, Body::new([7; 300])?).await;
    }
    let start = Instant::now();
    for _ in 0..LISTS {
        store.list().await?;
    }
    let list = start.elapsed() / LISTS;
    println!("{}: idle list of 8 keys {list:.1?}", place.display());
    let unchanged = swaps(&store, &keys[0], |_| 7).await?;
    println!("  compare-and-swap, same body (a renewal): {unchanged}");
    let changed = swaps(&store, &keys[1], |version| version as u8).await?;
    println!("  compare-and-swap, new body:              {changed}");
    std::fs::remove_dir_all(path)?;
    Ok(())
}

/// Swaps one record many times; the percentiles, as text.
async fn swaps(store: &Dir, key: &Key, byte: impl Fn(u64) -> u8) -> Result<String, Box<dyn std::error::Error>> {
    let mut times = Vec::new();
    for version in 1..=SWAPS {
        let body = Body::new([byte(version); 300])?;
        let start = Instant::now();
        let written = store.write(key, Some(version), u128::from(version) + 100, body).await;
        assert_eq!(written, Written::Applied { version: version + 1 });
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e3;
    Ok(format!("p50 {:.3} ms, p99 {:.3} ms", at(50), at(99)))
}

//! Prints who leads a group, and every change: `cargo run -p hotseat-client --example follow -- demo 127.0.0.1:7701`
//!
//! Try it beside `hotseat dev`, and kill what it shows.

use hotseat_client::{Error, Leader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let group = words.next().unwrap_or_else(|| String::from("demo"));
    let mut seeds: Vec<_> = words.collect();
    if seeds.is_empty() {
        seeds.push(String::from("127.0.0.1:7701"));
    }
    let mut leader = Leader::follow(&seeds, &group)?;
    loop {
        match (leader.current(), leader.trouble()) {
            (Some(it), _) => println!("{} leads in epoch {}, at {}", it.node, it.epoch, it.service.unwrap_or_default()),
            (None, Some(why)) => println!("nobody is known to lead: {why}"),
            (None, None) => println!("nobody leads"),
        }
        if !leader.changed().await {
            return Ok(());
        }
    }
}

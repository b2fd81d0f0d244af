//! Leads while no other does: `cargo run -p hotseat-client --example elect -- demo-election 127.0.0.1:7701`
//!
//! Run it several times beside `hotseat dev`, and kill, stop (`kill -STOP`) or end (Ctrl-C) the one that leads.

use std::time::Duration;

use hotseat_client::{Candidate, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_else(|| String::from("demo-election"));
    let agent = words.next().unwrap_or_else(|| String::from("127.0.0.1:7701"));
    let candidate = Candidate::new(&agent, &name)?;
    loop {
        println!("waiting to lead {name}");
        let leadership = candidate.campaign().await?;
        println!("leading in epoch {}", leadership.epoch());
        while leadership.is_leader() {
            tokio::select! {
                () = leadership.lost() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = tokio::signal::ctrl_c() => {
                    leadership.resign().await;
                    println!("resigned");
                    return Ok(());
                }
            }
            println!("still leading, for {:?} at the least", leadership.left());
        }
        println!("lost");
    }
}

//! The guard as the tests run it: what `hotseat guard --fd N` does in the real binary, and nothing else.

fn main() {
    let fd = std::env::args().nth(3).and_then(|fd| fd.parse().ok()).expect("guard --fd N");
    hotseat_guard::run(fd)
}

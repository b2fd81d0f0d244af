//! Same seed, same bytes.

use hotseat_sim::{Keep, Lean, run};

fn check(seed: u64, voters: bool) {
    let text = || match run(seed, None, Lean::with(voters), Keep::All) {
        Ok(report) => report.trace,
        Err(failure) => panic!("{failure}"),
    };
    let (first, second) = (text(), text());
    assert!(first.len() > 10_000, "seed {seed} tells too little to compare");
    assert!(first == second, "seed {seed} ran differently the second time");
}

#[test]
fn same_seed_same_bytes() {
    for seed in [1, 2, 3, 77, 1_000_003] {
        check(seed, false);
        check(seed, true);
    }
}

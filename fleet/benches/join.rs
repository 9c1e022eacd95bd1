//! How long the tables take to make, at the size of a homelab and of a large lab.

mod made_up;

use std::hint::black_box;

use criterion::Criterion;
use gputop_fleet::state::{Settings, join};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for size in made_up::SIZES {
        let fleet = made_up::fleet(size);
        let settings = Settings::default();
        let name = format!("join {size}");
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| join(black_box(&fleet), made_up::CLOCK, &settings));
        });
    }
    criterion.final_summary();
}

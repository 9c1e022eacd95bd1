use gputop_sim::{Options, SimCluster, scenario};
#[tokio::test(start_paused = true)]
async fn t() {
    for (name, s) in [
        (
            "small",
            scenario::parse(include_str!("contract/small.toml")).unwrap(),
        ),
        ("homelab", scenario::builtin("homelab").unwrap()),
    ] {
        let a = std::time::SystemTime::now();
        let c = SimCluster::start(
            s,
            Options {
                seed: 1,
                start: "2026-03-01T10:00:00Z".parse().unwrap(),
            },
        );
        eprintln!("{name} start {:?}", a.elapsed().unwrap());
        let a = std::time::SystemTime::now();
        tokio::time::sleep(std::time::Duration::from_secs(600)).await;
        eprintln!("{name} 600s {:?}", a.elapsed().unwrap());
        drop(c);
    }
}

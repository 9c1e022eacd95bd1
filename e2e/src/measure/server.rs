//! What the API server says: what there is, and what it is asked.

use color_eyre::Result;
use xtask::cluster::Cluster;

use super::Counts;

/// What the app has to show.
pub(super) fn counts(cluster: &Cluster) -> Result<Counts> {
    let kubectl = cluster.kubectl();
    let nodes = kubectl.read([
        "get",
        "nodes",
        "-o",
        "jsonpath={range .items[*]}{.metadata.name} \
         {.status.allocatable.nvidia\\.com/gpu}{'\\n'}{end}",
    ])?;
    let pods = kubectl.read([
        "get",
        "pods",
        "--all-namespaces",
        "-o",
        "jsonpath={range .items[*]}{.metadata.name} \
         {.spec.containers[*].resources.limits.nvidia\\.com/gpu}{'\\n'}{end}",
    ])?;
    let with_daemon: Vec<&str> = cluster
        .nodes()
        .iter()
        .filter(|node| node.daemon_port.is_some())
        .map(|node| node.name.as_str())
        .collect();
    let number = |line: &str| -> Option<usize> { line.split_once(' ')?.1.trim().parse().ok() };
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    Ok(Counts {
        nodes: nodes.lines().count(),
        gpus: nodes
            .lines()
            .filter(|line| with_daemon.contains(&name(line).as_str()))
            .filter_map(number)
            .sum(),
        pods: pods.lines().count(),
        gpu_pods: pods
            .lines()
            .filter_map(number)
            .filter(|gpus| *gpus > 0)
            .count(),
        first_node: nodes.lines().next().map(name).unwrap_or_default(),
    })
}

/// Lists of all nodes and all pods that the API server has served so far, to anybody.
pub(super) fn lists(cluster: &Cluster) -> Result<f64> {
    let metrics = cluster.kubectl().read(["get", "--raw", "/metrics"])?;
    Ok(lists_in(&metrics))
}

fn lists_in(metrics: &str) -> f64 {
    let has = |labels: &str, name: &str, value: &str| {
        let label = format!("{name}=\"{value}\"");
        labels.split(',').any(|pair| pair == label)
    };
    let counts = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix("apiserver_request_total{")?;
        let (labels, value) = rest.split_once("} ")?;
        let core = has(labels, "group", "") && has(labels, "verb", "LIST");
        let asked = has(labels, "resource", "nodes") || has(labels, "resource", "pods");
        // A large number is written with an exponent.
        (core && asked).then(|| value.trim().parse::<f64>().ok())?
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_of_nodes_and_pods_count() {
        let metrics = "\
# TYPE apiserver_request_total counter
apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"pods\",scope=\"cluster\",subresource=\"\",verb=\"LIST\",version=\"v1\"} 1.000012e+06
apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"nodes\",scope=\"cluster\",subresource=\"\",verb=\"LIST\",version=\"v1\"} 3
apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"pods\",scope=\"cluster\",subresource=\"\",verb=\"WATCH\",version=\"v1\"} 100
apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"apps\",resource=\"pods\",scope=\"cluster\",subresource=\"\",verb=\"LIST\",version=\"v1\"} 7
apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"secrets\",scope=\"cluster\",subresource=\"\",verb=\"LIST\",version=\"v1\"} 9
";
        assert!((lists_in(metrics) - 1_000_015.0).abs() < f64::EPSILON);
        assert!(lists_in("").abs() < f64::EPSILON);
    }
}

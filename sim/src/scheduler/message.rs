//! Why a pod stays Pending, in the words of Kubernetes 1.36.

use std::collections::BTreeMap;

use super::filters::Verdict;

const NO_VICTIMS: &str = "No preemption victims found for incoming pod.";
const NOT_HELPFUL: &str = "Preemption is not helpful for scheduling.";

/// The message of the condition `PodScheduled`.
pub(super) fn unschedulable(verdicts: &[Verdict]) -> String {
    let total = verdicts.len();
    if total == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut preemption: BTreeMap<&str, usize> = BTreeMap::new();
    for verdict in verdicts {
        match verdict {
            Verdict::Fits => {}
            Verdict::NotConsidered => {
                *counts
                    .entry("node(s) didn't satisfy plugin(s) [NodeAffinity]")
                    .or_default() += 1;
                *preemption.entry(NOT_HELPFUL).or_default() += 1;
            }
            Verdict::Refused {
                reasons,
                preemption_helps,
            } => {
                for reason in reasons {
                    *counts.entry(reason).or_default() += 1;
                }
                let outcome = if *preemption_helps {
                    NO_VICTIMS
                } else {
                    NOT_HELPFUL
                };
                *preemption.entry(outcome).or_default() += 1;
            }
        }
    }
    // The last word of each outcome brings its own full stop; in a list only the last keeps it.
    let outcomes = sorted(&preemption).replace("., ", ", ");
    format!(
        "0/{total} nodes are available: {}. no new claims to deallocate, preemption: 0/{total} \
         nodes are available: {outcomes}",
        sorted(&counts)
    )
}

/// `COUNT REASON, …`, sorted as texts.
fn sorted(counts: &BTreeMap<&str, usize>) -> String {
    let mut parts: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    parts.sort();
    parts.join(", ")
}

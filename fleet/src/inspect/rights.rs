//! What the user may do: one review of the rules in a namespace, and single questions for what
//! that can not tell.

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, ResourceRule, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::Rights;
use super::problem::plain;
use crate::connect::Problem;

/// One thing that may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Right {
    resource: &'static str,
    subresource: &'static str,
    verb: &'static str,
    /// Whether it is a question about the whole cluster, whatever the namespace.
    cluster: bool,
}

const fn right(resource: &'static str, subresource: &'static str, verb: &'static str) -> Right {
    Right {
        resource,
        subresource,
        verb,
        cluster: false,
    }
}

const fn cluster(resource: &'static str, verb: &'static str) -> Right {
    Right {
        resource,
        subresource: "",
        verb,
        cluster: true,
    }
}

/// All that is asked, in the order in which [`rights_from`] reads it. A WebSocket is opened by a
/// GET, which asks for `get`, and since Kubernetes 1.35 for `create` as well.
const ALL: [Right; 10] = [
    right("pods", "log", "get"),
    right("pods", "exec", "get"),
    right("pods", "exec", "create"),
    right("events", "", "list"),
    right("pods", "portforward", "get"),
    right("pods", "portforward", "create"),
    right("pods", "eviction", "create"),
    cluster("nodes", "list"),
    cluster("pods", "list"),
    cluster("nodes", "patch"),
];

/// Questions under way at a time.
const AT_ONCE: usize = 4;

/// Asks for everything. Fails when nothing at all could be asked.
pub(super) async fn rights(client: &Client, namespace: Option<&str>) -> Result<Rights, Problem> {
    let rules = match namespace {
        Some(namespace) => rules(client, namespace).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let asked = ALL.map(|right| {
        let granted = !right.cluster && rules.iter().any(|rule| grants(rule, right));
        // Boxed: a request is large, and several are under way.
        let asked: BoxFuture<'_, _> = if granted {
            Box::pin(std::future::ready(Ok(true)))
        } else {
            Box::pin(may(client, right, namespace))
        };
        asked
    });
    let answers: Vec<Result<bool, kube::Error>> =
        stream::iter(asked).buffered(AT_ONCE).collect().await;
    if let Some(Err(error)) = answers.first()
        && answers.iter().all(Result::is_err)
    {
        return Err(plain(error));
    }
    let mut known = [None; ALL.len()];
    for (slot, answer) in known.iter_mut().zip(answers) {
        *slot = answer.ok();
    }
    Ok(rights_from(known))
}

async fn rules(client: &Client, namespace: &str) -> Result<Vec<ResourceRule>, kube::Error> {
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec {
            namespace: Some(namespace.to_owned()),
        },
        ..SelfSubjectRulesReview::default()
    };
    let api = Api::<SelfSubjectRulesReview>::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer
        .status
        .map(|status| status.resource_rules)
        .unwrap_or_default())
}

async fn may(client: &Client, right: Right, namespace: Option<&str>) -> Result<bool, kube::Error> {
    let namespace = namespace.filter(|_| !right.cluster);
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: namespace.map(str::to_owned),
                resource: Some(right.resource.to_owned()),
                subresource: Some(right.subresource.to_owned()).filter(|sub| !sub.is_empty()),
                verb: Some(right.verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api = Api::<SelfSubjectAccessReview>::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// Whether a rule grants the right to every object. A rule that does not is no refusal: the list
/// of rules may be incomplete.
fn grants(rule: &ResourceRule, right: Right) -> bool {
    let has = |list: Option<&Vec<String>>, wanted: &str| {
        list.is_some_and(|list| list.iter().any(|item| item == "*" || item == wanted))
    };
    let resource = if right.subresource.is_empty() {
        right.resource.to_owned()
    } else {
        format!("{}/{}", right.resource, right.subresource)
    };
    let any_of = format!("*/{}", right.subresource);
    has(rule.api_groups.as_ref(), "")
        && (has(rule.resources.as_ref(), &resource)
            || !right.subresource.is_empty() && has(rule.resources.as_ref(), &any_of))
        && has(Some(&rule.verbs), right.verb)
        && rule.resource_names.as_ref().is_none_or(Vec::is_empty)
}

/// From the answers in the order of [`ALL`].
fn rights_from(answers: [Option<bool>; ALL.len()]) -> Rights {
    let [
        logs,
        exec_get,
        exec_create,
        events,
        forward_get,
        forward_create,
        evict,
        list_nodes,
        list_all_pods,
        patch_nodes,
    ] = answers;
    let exec = upgrade(exec_get, exec_create);
    let portforward = upgrade(forward_get, forward_create);
    let single = [logs, events, list_nodes, list_all_pods, evict, patch_nodes];
    let known = single.into_iter().chain([exec, portforward]);
    Rights {
        logs,
        exec,
        events,
        portforward,
        list_nodes,
        list_all_pods,
        evict,
        patch_nodes,
        incomplete: known.into_iter().any(|right| right.is_none()),
    }
}

/// `get` alone suffices on servers before 1.35, and which this is is not known here.
fn upgrade(get: Option<bool>, create: Option<bool>) -> Option<bool> {
    match (get, create) {
        (Some(false), _) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> ResourceRule {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        ResourceRule {
            api_groups: Some(owned(groups)),
            resources: Some(owned(resources)),
            resource_names: None,
            verbs: owned(verbs),
        }
    }

    #[rstest]
    #[case(rule(&["*"], &["*"], &["*"]), true)]
    #[case(rule(&[""], &["pods/log"], &["get", "list"]), true)]
    #[case(rule(&[""], &["*/log"], &["get"]), true)]
    #[case(rule(&[""], &["pods"], &["get"]), false)]
    #[case(rule(&[""], &["pods/log"], &["list"]), false)]
    #[case(rule(&["apps"], &["pods/log"], &["get"]), false)]
    #[case(ResourceRule { resource_names: Some(vec!["one".into()]), ..rule(&[""], &["pods/log"], &["get"]) }, false)]
    fn a_rule_grants_what_it_names(#[case] rule: ResourceRule, #[case] expected: bool) {
        assert_eq!(grants(&rule, ALL[0]), expected);
    }

    #[test]
    fn unknown_is_not_denied() {
        let mut answers = [Some(true); ALL.len()];
        assert_eq!(
            rights_from(answers),
            Rights {
                logs: Some(true),
                exec: Some(true),
                events: Some(true),
                portforward: Some(true),
                list_nodes: Some(true),
                list_all_pods: Some(true),
                evict: Some(true),
                patch_nodes: Some(true),
                incomplete: false,
            }
        );
        answers[2] = Some(false);
        answers[3] = None;
        answers[4] = Some(false);
        let rights = rights_from(answers);
        assert_eq!(rights.exec, None, "an old server asks for get alone");
        assert_eq!(rights.events, None);
        assert_eq!(rights.portforward, Some(false));
        assert!(rights.incomplete);
    }
}

//! Whether something may be read by now, asked without reading it.

use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::{sleep, timeout};

/// How often a right is asked for that is missing.
const AGAIN: Duration = Duration::from_secs(60);

/// How long the answer may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Questions without an answer after which it is simply tried.
const UNANSWERED: u32 = 10;

/// Waits until `resource` may be listed and watched: a right can be given, or have been missing
/// for a moment only, while the API server started. `namespace`: `None` is all of them.
pub(super) async fn allowed(client: &Client, resource: &str, namespace: Option<&str>) {
    let mut unanswered = 0;
    while unanswered < UNANSWERED {
        sleep(AGAIN).await;
        let list = may(client, "list", resource, namespace).await;
        let both = match list {
            Some(true) => may(client, "watch", resource, namespace).await,
            other => other,
        };
        match both {
            Some(true) => return,
            Some(false) => unanswered = 0,
            None => unanswered += 1,
        }
    }
}

/// What the server says; `None`: it does not.
async fn may(client: &Client, verb: &str, resource: &str, namespace: Option<&str>) -> Option<bool> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: namespace.map(str::to_owned),
                resource: Some(resource.to_owned()),
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let params = PostParams::default();
    let answer = timeout(LIMIT, reviews.create(&params, &review));
    let answer = answer.await.ok()?.ok()?;
    answer.status.map(|status| status.allowed)
}

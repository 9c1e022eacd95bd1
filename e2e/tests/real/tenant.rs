//! A user of one namespace, as a service account with a role there: what may be asked, and what
//! is said of the rest.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{bail, ensure};
use gputop_fleet::connect::{Request, connect};
use gputop_fleet::engine::{Engine, Event, Options};
use gputop_fleet::inspect::{Answer, Ask, AskId, Rights, Subject};
use gputop_model::{NodeName, PodKey};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, PostParams};
use kube::core::Request as Collection;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::fixture::{self, Real};

const NAMESPACE: &str = "tenant";

async fn make(client: &Client, collection: &str, object: Value) -> Result<()> {
    let body = serde_json::to_vec(&object)?;
    let request = Collection::new(collection).create(&PostParams::default(), body)?;
    client.request::<Value>(request).await?;
    Ok(())
}

/// The namespace with its one user, who may look, and a pod.
async fn prepare(client: &Client) -> Result<()> {
    let space = json!({"metadata": {"name": NAMESPACE}});
    make(client, "/api/v1/namespaces", space).await?;
    let core = format!("/api/v1/namespaces/{NAMESPACE}");
    let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}");
    let bob = json!({"metadata": {"name": "bob"}});
    make(client, &format!("{core}/serviceaccounts"), bob).await?;
    let role = json!({
        "metadata": {"name": "look"},
        "rules": [{
            "apiGroups": [""], "verbs": ["get", "list", "watch"],
            "resources": ["pods", "pods/log", "events"],
        }],
    });
    make(client, &format!("{rbac}/roles"), role).await?;
    let binding = json!({
        "metadata": {"name": "look"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "look"},
        "subjects": [{"kind": "ServiceAccount", "name": "bob", "namespace": NAMESPACE}],
    });
    make(client, &format!("{rbac}/rolebindings"), binding).await?;
    // With the account from above: the namespace's default one comes when it comes.
    let pod = json!({
        "metadata": {"name": "waiting"},
        "spec": {
            "serviceAccountName": "bob",
            "schedulingGates": [{"name": "gputop-k3s.io/test"}],
            "containers": [{"name": "main", "image": "none"}],
        },
    });
    make(client, &format!("{core}/pods"), pod).await
}

async fn as_bob(real: &Real) -> Result<Engine> {
    let request = Request {
        kubeconfig: Some(real.cluster.kubeconfig().to_owned()),
        impersonate: Some(format!("system:serviceaccount:{NAMESPACE}:bob")),
        namespace: Some(NAMESPACE.to_owned()),
        ..Request::default()
    };
    let client = connect(&request).await?.client;
    let options = Options {
        agents: false,
        namespace: NAMESPACE.to_owned(),
        epoch: Instant::now(),
    };
    Ok(Engine::start(&client, &options))
}

async fn ask(engine: &mut Engine, ask: Ask) -> Result<Answer> {
    engine.ask(AskId(1), ask);
    let answer = async {
        loop {
            if let Event::Answer(_, answer) = engine.next().await {
                return answer;
            }
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(20), answer).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_of_one_namespace_can_ask_about_that_one() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    prepare(&real.client).await?;
    let outcome = look_around(&real).await;
    let namespaces = Api::<Namespace>::all(real.client.clone());
    namespaces
        .delete(NAMESPACE, &DeleteParams::default())
        .await?;
    outcome
}

async fn look_around(real: &Real) -> Result<()> {
    let mut bob = as_bob(real).await?;
    // A new role is known to the API server a moment later.
    let granted = Rights {
        logs: Some(true),
        exec: Some(false),
        events: Some(true),
        portforward: Some(false),
        list_nodes: Some(false),
        list_all_pods: Some(false),
        evict: Some(false),
        patch_nodes: Some(false),
        incomplete: false,
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask(&mut bob, Ask::Rights(Some(NAMESPACE.to_owned()))).await?;
        if answer == Answer::Rights(granted) {
            break;
        }
        ensure!(Instant::now() < deadline, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let answer = ask(&mut bob, Ask::Rights(None)).await?;
    let Answer::Rights(everywhere) = answer else {
        bail!("{answer:?}")
    };
    ensure!(everywhere.logs == Some(false), "{everywhere:?}");

    let pod = Subject::Pod(PodKey::new(NAMESPACE, "waiting"));
    let answer = ask(&mut bob, Ask::Describe(pod)).await?;
    let Answer::Describe(text) = answer else {
        bail!("{answer:?}")
    };
    ensure!(
        text.contains("Held back by:      gputop-k3s.io/test"),
        "{text}"
    );

    let node = Subject::Node(NodeName::new("gpu-a"));
    let elsewhere = Subject::Pod(PodKey::new("kube-system", "any"));
    for refused in [Ask::Describe(node), Ask::Events(elsewhere), Ask::Namespaces] {
        match ask(&mut bob, refused).await? {
            Answer::Failed(problem) => {
                ensure!(problem.what.contains("forbidden"), "{problem}");
                ensure!(problem.fix.contains("administrator"), "{problem}");
            }
            other => bail!("{other:?}"),
        }
    }
    Ok(())
}

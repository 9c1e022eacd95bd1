//! The usual connection mistakes, against a real server, and credential plug-ins.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use gputop_fleet::connect::{Request, connect};
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::fixture::{self, Real};

/// The cluster's kubeconfig with one thing changed.
fn changed(real: &Real, folder: &Path, change: impl FnOnce(&mut Value)) -> Result<PathBuf> {
    let text = fs::read_to_string(real.cluster.kubeconfig())?;
    let mut config: Value = serde_json::from_str(&text)?;
    change(&mut config);
    let file = folder.join("config");
    fs::write(&file, config.to_string())?;
    Ok(file)
}

fn cluster_of(config: &mut Value) -> &mut Value {
    &mut config["clusters"][0]["cluster"]
}

fn user_of(config: &mut Value) -> &mut Value {
    &mut config["users"][0]["user"]
}

async fn refusal(file: &Path) -> Result<String> {
    let request = Request {
        kubeconfig: Some(file.to_owned()),
        ..Request::default()
    };
    let error = connect(&request).await.err().ok_or_eyre("was accepted")?;
    Ok(error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_gets_its_sentence_and_its_fix() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let check = async |what: &str, words: &[&str], change: &dyn Fn(&mut Value)| {
        let file = changed(&real, folder.path(), change)?;
        let said = refusal(&file).await?;
        for word in words {
            ensure!(said.contains(word), "{what}: no '{word}' in: {said}");
        }
        Ok(())
    };
    check(
        "nothing listens",
        &["nothing listens", "in place of 127.0.0.1"],
        &|config| {
            cluster_of(config)["server"] = json!("https://127.0.0.1:1");
        },
    )
    .await?;
    check("wrong name", &["does not name", "tls-san"], &|config| {
        cluster_of(config)["tls-server-name"] = json!("rig.elsewhere");
    })
    .await?;
    let other = other_authority()?;
    check(
        "wrong authority",
        &["not signed by", "re-installed"],
        &|config| {
            cluster_of(config)["certificate-authority-data"] = json!(other);
        },
    )
    .await?;
    check("wrong token", &["401", "k3s.yaml"], &|config| {
        *user_of(config) = json!({"token": "nobody"});
    })
    .await?;
    check("dead proxy", &["proxy", "127.0.0.1:1"], &|config| {
        cluster_of(config)["proxy-url"] = json!("http://127.0.0.1:1");
    })
    .await?;
    check("no such context", &["there is no context"], &|config| {
        config["current-context"] = json!("elsewhere");
    })
    .await
}

/// A script that counts its runs, gives a token that ends at once, and fails when told to.
fn plug_in(folder: &Path, token: &str) -> Result<PathBuf> {
    let script = folder.join("plug-in");
    let runs = folder.join("runs");
    let fail = folder.join("fail");
    fs::write(
        &script,
        format!(
            "#!/bin/sh\n\
             echo \"$KUBERNETES_EXEC_INFO\" >> {runs}\n\
             if [ -e {fail} ]; then echo 'please log in' >&2; exit 1; fi\n\
             echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
             \"status\":{{\"token\":\"{token}\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}}}}'\n",
            runs = runs.display(),
            fail = fail.display(),
        ),
    )?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
    Ok(script)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_plug_in_without_a_terminal_asks_nothing_and_is_renewed() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let text = fs::read_to_string(real.cluster.kubeconfig())?;
    let config: Value = serde_json::from_str(&text)?;
    let token = config["users"][0]["user"]["token"]
        .as_str()
        .ok_or_eyre("no token")?;
    let script = plug_in(folder.path(), token)?;
    let file = changed(&real, folder.path(), |config| {
        *user_of(config) = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": script,
            "interactiveMode": "IfAvailable",
        }});
    })?;
    let request = Request {
        kubeconfig: Some(file),
        ..Request::default()
    };
    let connection = connect(&request).await?;
    let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(connection.client.clone());
    nodes.list(&ListParams::default()).await?;
    let runs = fs::read_to_string(folder.path().join("runs"))?;
    let runs: Vec<&str> = runs.lines().collect();
    ensure!(runs.len() >= 2, "an ended token is renewed: {runs:?}");
    ensure!(
        runs.iter().all(|run| run.contains("\"interactive\":false")),
        "{runs:?}"
    );

    // Its complaint is part of the error, not on the screen.
    fs::write(folder.path().join("fail"), "")?;
    let error = nodes
        .list(&ListParams::default())
        .await
        .err()
        .ok_or_eyre("was accepted")?;
    let said = gputop_fleet::connect::api_problem(Some(&error)).to_string();
    ensure!(said.contains("please log in"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_one_namespace_sees_that_and_is_told_so() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    real.kubectl(&[
        "-n",
        "ml",
        "create",
        "role",
        "look",
        "--verb=get,list,watch",
        "--resource=pods",
    ])?;
    real.kubectl(&[
        "-n",
        "ml",
        "create",
        "rolebinding",
        "look",
        "--role=look",
        "--user=ada",
    ])?;
    let nodes = real.gputop(&["get", "nodes", "--as", "ada"]).await?;
    ensure!(nodes.status.code() == Some(5), "{nodes:?}");
    let said = String::from_utf8_lossy(&nodes.stderr);
    ensure!(said.contains("cannot list resource \"nodes\""), "{said}");

    let pods = real
        .gputop(&["get", "pods", "-n", "ml", "--as", "ada", "-o", "json"])
        .await?;
    ensure!(pods.status.success(), "{pods:?}");
    let warning = String::from_utf8_lossy(&pods.stderr);
    ensure!(
        warning.contains("only the pods of namespace ml"),
        "{warning}"
    );
    let list: Value = serde_json::from_slice(&pods.stdout)?;
    let names = list["items"].as_array().ok_or_eyre("no items")?;
    ensure!(names.iter().any(|pod| pod["name"] == "big-train"), "{list}");
    Ok(())
}

#[tokio::test]
async fn without_any_cluster_it_says_where_it_looked_and_names_the_demo() -> Result<()> {
    let output = fixture::gputop()?.args(["get", "nodes"]).output().await?;
    ensure!(output.status.code() == Some(3), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    for word in [
        "/nonexistent/.kube/config",
        "/etc/rancher/k3s/k3s.yaml",
        "gputop-k3s demo",
    ] {
        ensure!(said.contains(word), "no '{word}' in: {said}");
    }
    Ok(())
}

/// A certificate that signed nothing here, as a kubeconfig holds it.
fn other_authority() -> Result<String> {
    let other = rcgen::generate_simple_self_signed(["elsewhere".to_owned()])?;
    Ok(BASE64_STANDARD.encode(other.cert.pem()))
}

//! An object as YAML.

use gputop_model::printable;
use serde_json::Value;

use super::mask::mask;
use super::problem::problem;
use crate::connect::Problem;

/// The object without what only machines read, and without secrets.
pub(super) fn yaml(mut object: Value) -> Result<String, Problem> {
    mask(&mut object);
    let text = serde_yaml_ng::to_string(&object).map_err(|error| {
        problem(
            &format!("the object can not be written as YAML: {error}"),
            "Look at it with `kubectl get -o json`.",
        )
    })?;
    let lines: Vec<String> = text
        .lines()
        .map(|line| printable(line.to_owned()))
        .collect();
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_has_no_managed_fields_no_secrets_and_moves_no_cursor() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "managedFields": [{"manager": "kubectl"}]},
            "spec": {"containers": [{
                "name": "main",
                "args": ["a\u{202e}b", "two\nlines"],
                "env": [{"name": "HF_TOKEN", "value": "hf_abc"}],
            }]},
        });
        let text = yaml(pod).unwrap();
        assert_eq!(
            text,
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - args:\n    \
             - a\u{fffd}b\n    - |-\n      two\n      lines\n    env:\n    - name: HF_TOKEN\n      \
             value: •••\n    name: main\n"
        );
    }
}

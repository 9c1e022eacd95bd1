//! What a client may do, and how it is refused.

use http::Method;
use serde_json::json;

use super::path::Target;
use super::status::Failure;

/// What a client may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Everything, as `cluster-admin`.
    #[default]
    Admin,
    /// Get, list and watch everything, and nothing else.
    ReadOnly,
    /// Everything in this namespace and nothing outside, as with the role `admin` bound in it.
    Namespace(&'static str),
}

impl Access {
    /// The verbs that are granted in a namespace; `None`: in all of them, and for what has none.
    pub(super) fn verbs(self, namespace: Option<&str>) -> &'static [&'static str] {
        match self {
            Self::Admin => &["*"],
            Self::ReadOnly => &["get", "list", "watch"],
            Self::Namespace(own) if namespace == Some(own) => &["*"],
            Self::Namespace(_) => &[],
        }
    }

    /// Whether a verb is granted in a namespace.
    pub(super) fn allows(self, verb: &str, namespace: Option<&str>) -> bool {
        let verbs = self.verbs(namespace);
        verbs.contains(&"*") || verbs.contains(&verb)
    }

    /// The user's name.
    pub(super) const fn user(self) -> &'static str {
        match self {
            Self::Admin => "system:admin",
            Self::ReadOnly => "viewer",
            Self::Namespace(_) => "tenant",
        }
    }

    /// Refuses what is not granted, in the words of the real server.
    pub(super) fn check(
        self,
        method: &Method,
        target: &Target,
        watch: bool,
    ) -> Result<(), Failure> {
        let sub = target.subresource.as_deref();
        let verbs: &[&str] = match (method.as_str(), sub) {
            // Opened by a GET, and to change something all the same.
            ("GET", Some("exec" | "portforward")) => &["get", "create"],
            ("POST", _) => &["create"],
            ("PUT", _) => &["update"],
            ("PATCH", _) => &["patch"],
            ("DELETE", _) if target.name.is_none() => &["deletecollection"],
            ("DELETE", _) => &["delete"],
            _ if target.name.is_some() => &["get"],
            _ if watch => &["watch"],
            _ => &["list"],
        };
        let namespace = target.namespace.as_deref();
        match verbs.iter().find(|verb| !self.allows(verb, namespace)) {
            None => Ok(()),
            Some(verb) => Err(self.refusal(verb, target)),
        }
    }

    fn refusal(self, verb: &str, target: &Target) -> Failure {
        let info = target.kind.info();
        let resource = match &target.subresource {
            Some(sub) => format!("{}/{sub}", info.plural),
            None => info.plural.to_owned(),
        };
        let scope = match &target.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let name = target.name.as_ref().map(|name| format!(" \"{name}\""));
        let subject = format!("{}{}", target.kind.qualified(), name.unwrap_or_default());
        let mut details = json!({"kind": info.plural});
        if let Some(name) = &target.name {
            details["name"] = name.clone().into();
        }
        Failure::new(
            403,
            "Forbidden",
            format!(
                "{subject} is forbidden: User \"{}\" cannot {verb} resource \"{resource}\" in API \
                 group \"{}\" {scope}",
                self.user(),
                info.group
            ),
        )
        .with_details(details)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PODS: &str = "/api/v1/namespaces/lab/pods";

    #[rstest]
    #[case(Access::ReadOnly, "GET", "/api/v1/namespaces/lab/pods/p/log", true)]
    #[case(Access::ReadOnly, "GET", "/api/v1/namespaces/lab/pods/p/exec", false)]
    #[case(Access::ReadOnly, "POST", PODS, false)]
    #[case(Access::Namespace("lab"), "GET", PODS, true)]
    #[case(
        Access::Namespace("lab"),
        "GET",
        "/api/v1/namespaces/lab/pods/p/exec",
        true
    )]
    #[case(Access::Namespace("ml"), "GET", PODS, false)]
    #[case(Access::Namespace("lab"), "GET", "/api/v1/pods", false)]
    #[case(Access::Namespace("lab"), "GET", "/api/v1/nodes", false)]
    fn who_may_what(
        #[case] access: Access,
        #[case] method: &str,
        #[case] path: &str,
        #[case] allowed: bool,
    ) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let target = Target::parse(path).unwrap();
        assert_eq!(access.check(&method, &target, false).is_ok(), allowed);
    }

    #[test]
    fn a_refusal_names_verb_and_scope() {
        let target = Target::parse("/api/v1/pods").unwrap();
        let said = Access::Namespace("lab").check(&Method::GET, &target, true);
        assert_eq!(
            said.unwrap_err().body()["message"],
            "pods is forbidden: User \"tenant\" cannot watch resource \"pods\" in API group \"\" \
             at the cluster scope"
        );
    }
}

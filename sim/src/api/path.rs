//! What a URL path names.

use crate::store::Kind;

/// A collection or an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    /// Absent: all namespaces, or a cluster-wide kind.
    pub(crate) namespace: Option<String>,
    /// Absent: the collection.
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Target {
    /// Parses `/api/v1/…` and `/apis/GROUP/VERSION/…`; `None` when nothing is served there.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.trim_matches('/').split('/');
        let group = match parts.next()? {
            "api" => "",
            "apis" => parts.next()?,
            _ => return None,
        };
        let version = parts.next()?;
        let rest: Vec<&str> = parts.collect();
        let (namespace, rest) = match rest.as_slice() {
            // A namespace's own subresources are not those of a collection in it.
            ["namespaces", _, "status" | "finalize"] | ["namespaces", _] => (None, rest.as_slice()),
            ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
            rest => (None, rest),
        };
        let (plural, rest) = rest.split_first()?;
        let kind = Kind::find(group, version, plural)?;
        if namespace.is_some() && !kind.info().namespaced {
            return None;
        }
        let (name, subresource) = match rest {
            [] => (None, None),
            [name] => (Some((*name).to_owned()), None),
            [name, sub] if kind.info().subresources.contains(sub) => {
                (Some((*name).to_owned()), Some((*sub).to_owned()))
            }
            _ => return None,
        };
        if name.is_some() && kind.info().namespaced && namespace.is_none() {
            return None;
        }
        Some(Self {
            kind,
            namespace,
            name,
            subresource,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Kind, Option<String>, Option<String>, Option<String>);

    fn parse(path: &str) -> Option<Parts> {
        Target::parse(path).map(|t| (t.kind, t.namespace, t.name, t.subresource))
    }

    #[test]
    fn collections_objects_and_subresources() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parse("/api/v1/nodes"), Some((Kind::Node, None, None, None)));
        assert_eq!(parse("/api/v1/pods"), Some((Kind::Pod, None, None, None)));
        assert_eq!(
            parse("/api/v1/namespaces"),
            Some((Kind::Namespace, None, None, None))
        );
        assert_eq!(
            parse("/api/v1/namespaces/a"),
            Some((Kind::Namespace, None, some("a"), None))
        );
        assert_eq!(
            parse("/api/v1/namespaces/a/pods/p/portforward"),
            Some((Kind::Pod, some("a"), some("p"), some("portforward")))
        );
        assert_eq!(
            parse("/apis/apps/v1/namespaces/a/deployments/d"),
            Some((Kind::Deployment, some("a"), some("d"), None))
        );
    }

    #[test]
    fn what_is_not_served() {
        for path in [
            "/",
            "/api",
            "/api/v1",
            "/api/v1/things",
            "/api/v1/namespaces/a/nodes",
            "/api/v1/pods/p",
            "/api/v1/namespaces/a/pods/p/nonsense",
            "/apis/apps/v2/deployments",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}

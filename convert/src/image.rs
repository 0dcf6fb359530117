//! What the name of an image tells.

/// An image, by its name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Image {
    /// The whole reference.
    reference: String,
    /// The last part of the name, without tag and digest.
    name: String,
    tag: String,
}

impl Image {
    pub(crate) fn new(reference: &str) -> Self {
        let without_digest = reference.split('@').next().unwrap_or(reference);
        let last = without_digest.rsplit('/').next().unwrap_or(without_digest);
        let (name, tag) = last.split_once(':').unwrap_or((last, ""));
        Self {
            reference: reference.to_owned(),
            name: name.to_owned(),
            tag: tag.to_owned(),
        }
    }

    /// Returns the whole reference.
    pub(crate) fn reference(&self) -> &str {
        &self.reference
    }

    /// Returns whether its shell and its tools are busybox's.
    pub(crate) fn has_busybox(&self) -> bool {
        ["busybox", "alpine"]
            .iter()
            .any(|part| self.name.contains(part) || self.tag.contains(part))
    }

    /// Returns whether its `sh` is dash, which knows less than bash and busybox.
    pub(crate) fn has_dash(&self) -> bool {
        const OF_DEBIAN: [&str; 14] = [
            "bitnami-shell",
            "debian",
            "mariadb",
            "minideb",
            "mongo",
            "nginx",
            "node",
            "os-shell",
            "postgres",
            "python",
            "rabbitmq",
            "redis",
            "ubuntu",
            "valkey",
        ];
        let of_another = ["ubi", "ol", "oracle", "slim-rh", "rocky", "fedora"];
        let is_other = of_another.iter().any(|part| self.tag.contains(part));
        OF_DEBIAN.contains(&self.name.as_str()) && !self.has_busybox() && !is_other
    }

    /// Returns the version that the tag begins with, if it is one.
    pub(crate) fn version(&self) -> Option<(u32, u32)> {
        let tag = self
            .tag
            .trim_start_matches("no-root-")
            .trim_start_matches('v');
        let mut numbers = tag.split(['.', '-', '_']);
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next().and_then(|minor| minor.parse().ok());
        Some((major, minor.unwrap_or(0)))
    }

    /// Returns the program that runs if the container names none, for images that are known.
    pub(crate) fn entrypoint(&self) -> Option<Vec<&'static str>> {
        Some(match self.name.as_str() {
            "k8s-wait-for" => vec!["k8s-wait-for"],
            "kubernetes-entrypoint" => vec!["kubernetes-entrypoint"],
            "wait4x" => vec!["wait4x"],
            "dockerize" => vec!["dockerize"],
            "wait-for-it" => vec!["wait-for-it.sh"],
            "wait-for" => vec!["wait-for"],
            "wait-for-dependencies" => vec!["wait-for-dependencies"],
            "kubectl" => vec!["kubectl"],
            "curl" => vec!["curl"],
            // They run their arguments, or have a script that does.
            "busybox" | "alpine" | "debian" | "ubuntu" | "centos" | "postgres" | "postgresql"
            | "mysql" | "mariadb" | "redis" | "valkey" | "netcat" | "bash" | "mongo"
            | "os-shell" | "bitnami-shell" | "minideb" | "toolbox" | "python" | "node" => vec![],
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_name_and_a_version() {
        for (reference, name, version) in [
            ("busybox", "busybox", None),
            ("busybox:1.36", "busybox", Some((1, 36))),
            (
                "ghcr.io/groundnuty/k8s-wait-for:no-root-v1.6",
                "k8s-wait-for",
                Some((1, 6)),
            ),
            (
                "r:5000/a/kubernetes-entrypoint:v0.2.1@sha256:00",
                "kubernetes-entrypoint",
                Some((0, 2)),
            ),
            ("a/b:latest", "b", None),
            ("postgres:15-alpine", "postgres", Some((15, 0))),
            ("", "", None),
        ] {
            let image = Image::new(reference);
            assert_eq!(
                (image.name.as_str(), image.version()),
                (name, version),
                "{reference}"
            );
        }
        assert!(Image::new("postgres:15-alpine").has_busybox());
        assert!(!Image::new("postgres:15").has_busybox());
        assert!(Image::new("postgres:15").has_dash());
        assert!(!Image::new("postgres:15-alpine").has_dash());
        assert!(!Image::new("app").has_dash());
    }
}

//! Whole pods through admission.

mod golden;
mod hostile;
mod identity;
mod raw;
mod rounds;
mod size;

use super::*;
use crate::language::Namespace;

/// A pod's namespace and name, as the request would say them.
struct Identity {
    namespace: Namespace,
    name: Option<String>,
}

impl Identity {
    fn of(pod: &str) -> Self {
        let pod: serde_json::Value = serde_json::from_str(pod).unwrap_or_default();
        let field = |name: &str| pod["metadata"][name].as_str();
        Self {
            namespace: field("namespace").unwrap_or("shop").parse().unwrap(),
            name: field("name").map(str::to_owned),
        }
    }

    fn admit(&self, pod: &str, settings: &Settings) -> Result<Injection, Refused> {
        let target = Target {
            namespace: &self.namespace,
            name: self.name.as_deref(),
        };
        inject(pod, &target, settings)
    }
}

fn admit(pod: &str, settings: &Settings) -> Result<Injection, Refused> {
    Identity::of(pod).admit(pod, settings)
}

/// Admits `pod` and returns it as it is then.
fn admitted(pod: &str, settings: &Settings) -> String {
    match admit(pod, settings).unwrap().decision {
        Decision::Patch(patch) => raw::patched(pod, &patch),
        Decision::Skip(reason) => panic!("skipped: {reason}"),
    }
}

fn assert_nothing_to_do(pod: &str, settings: &Settings) {
    match admit(pod, settings).unwrap().decision {
        Decision::Skip(reason) => assert_eq!(reason, SkipReason::AlreadyInjected),
        Decision::Patch(patch) => panic!("there was still to do: {}", patch.into_json()),
    }
}

/// The settings of a cluster: TLS, a `ClusterIP`, a private registry, a controller.
fn cluster() -> Settings {
    let mut settings = Settings::new(
        Image {
            reference: "registry.example.com/oncue-client@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            pull_policy: Some(PullPolicy::IfNotPresent),
            pull_secrets: vec!["registry".to_owned()],
        },
        StoreAddress {
            url: "https://oncue-store.oncue-system.svc.cluster.local.:9999".to_owned(),
            fallback_ip: Some([10, 96, 0, 17].into()),
            ca_pem: Some(
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".to_owned(),
            ),
        },
    );
    settings.controller = Controller::Present;
    settings.own_namespace = Some("oncue-system".parse().unwrap());
    settings
}

/// The settings of a cluster whose store asks for tokens.
fn with_tokens() -> Settings {
    Settings {
        proof: Proof::Token,
        ..cluster()
    }
}

/// The settings of a laptop: no TLS, no controller.
fn laptop() -> Settings {
    Settings::new(
        Image::new("oncue-client:dev"),
        StoreAddress::new("http://127.0.0.1:9999"),
    )
}

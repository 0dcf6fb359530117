//! The container that waits.

use std::{borrow::Cow, hash::Hasher, io};

use fnv::FnvHasher;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    record::Record,
    resources::Resources,
    settings::{NonRootUser, Proof, PullPolicy, Settings},
    volume::{OwnVolume, TOKEN_FILE, VolumeMount},
};

/// The name of our container.
pub const CONTAINER: &str = "oncue-wait";
/// The environment variable that carries the hash of what was injected.
pub(crate) const HASH: &str = "ONCUE_HASH";
/// The environment variable that names the file with the pod's token.
pub(crate) const TOKEN_FILE_VARIABLE: &str = "ONCUE_TOKEN_FILE";

/// The container that waits, installs the client and makes the first signals.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WaitContainer<'a> {
    name: &'static str,
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_pull_policy: Option<PullPolicy>,
    command: [&'static str; 1],
    args: Vec<Cow<'static, str>>,
    env: Vec<EnvVar<'a>>,
    resources: Resources,
    security_context: SecurityContext,
    termination_message_policy: &'static str,
    volume_mounts: Vec<VolumeMount>,
}

/// What distinguishes one pod's container from another's.
pub(crate) struct Particulars {
    /// The arguments, escaped for the kubelet.
    pub(crate) args: Vec<Cow<'static, str>>,
    /// Whether an argument names the node.
    pub(crate) names_node: bool,
    /// Its requests and limits.
    pub(crate) resources: Resources,
    /// Its user, where it names one.
    pub(crate) user: Option<NonRootUser>,
}

impl<'a> WaitContainer<'a> {
    /// Returns the container, still without a hash.
    pub(crate) fn new(settings: &'a Settings, particulars: Particulars) -> Self {
        Self {
            name: CONTAINER,
            image: &settings.image.reference,
            image_pull_policy: settings.image.pull_policy,
            command: ["/oncue-client"],
            args: particulars.args,
            env: environment(settings, particulars.names_node),
            resources: particulars.resources,
            security_context: SecurityContext::restricted(particulars.user),
            termination_message_policy: "FallbackToLogsOnError",
            volume_mounts: volume_mounts(settings.proof),
        }
    }

    /// Adds the hash.
    pub(crate) fn set_hash(&mut self, hash: &'a str) {
        self.env.push(EnvVar::literal(HASH, hash));
    }
}

/// Returns the hash of everything that is injected: FNV-1a with 64 bits, the same on every machine
/// and in every release.
///
/// It tells whether something changed; nothing relies on it being hard to forge.
pub(crate) fn hash(container: Option<&WaitContainer<'_>>, record: &Record) -> String {
    let mut hasher = HashWriter(FnvHasher::default());
    serde_json::to_writer(&mut hasher, &(container, record))
        .expect("our elements have string keys, and a hasher takes every byte");
    format!("{:016x}", hasher.0.finish())
}

/// Hashes what is written.
struct HashWriter(FnvHasher);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns whether a container of ours was injected together with `record`.
pub(crate) fn goes_with(record: &Record) -> bool {
    let unhashed = Record {
        hash: String::new(),
        ..record.clone()
    };
    !record.hash.is_empty() && record.hash != hash(None, &unhashed)
}

fn volume_mounts(proof: Proof) -> Vec<VolumeMount> {
    let filled = VolumeMount {
        read_only: false,
        ..OwnVolume::Client.mount()
    };
    // Whatever is mounted here keeps the default token out.
    let instead_of_default_token = VolumeMount {
        mount_path: "/var/run/secrets/kubernetes.io/serviceaccount",
        ..OwnVolume::Client.mount()
    };
    let token = (proof == Proof::Token).then(|| OwnVolume::Token.mount());
    let mounts = [Some(filled), Some(instead_of_default_token), token];
    mounts.into_iter().flatten().collect()
}

fn environment(settings: &Settings, names_node: bool) -> Vec<EnvVar<'_>> {
    let store = &settings.store;
    let ip = store.fallback_ip.map(|ip| EnvVar {
        name: "ONCUE_SERVER_IP",
        source: Source::Literal(Cow::Owned(ip.to_string())),
    });
    let ca = store.ca_pem.as_deref();
    let token_file =
        (settings.proof == Proof::Token).then(|| EnvVar::literal(TOKEN_FILE_VARIABLE, TOKEN_FILE));
    let node = names_node.then_some(EnvVar::field("NODE_NAME", "spec.nodeName"));
    let mut environment = Vec::with_capacity(9);
    environment.push(EnvVar::literal("ONCUE_SERVER", &store.url));
    environment.extend(ip);
    environment.extend(ca.map(|ca| EnvVar::literal("ONCUE_CA", ca)));
    environment.extend(token_file);
    environment.extend([
        EnvVar::field("POD_NAME", "metadata.name"),
        EnvVar::field("POD_NAMESPACE", "metadata.namespace"),
        EnvVar::field("POD_UID", "metadata.uid"),
    ]);
    environment.extend(node);
    environment
}

#[derive(Debug)]
struct EnvVar<'a> {
    name: &'static str,
    source: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    Field(&'static str),
    Literal(Cow<'a, str>),
}

impl<'a> EnvVar<'a> {
    fn literal(name: &'static str, value: &'a str) -> Self {
        Self {
            name,
            source: Source::Literal(escape(value)),
        }
    }

    fn field(name: &'static str, path: &'static str) -> Self {
        Self {
            name,
            source: Source::Field(path),
        }
    }
}

impl Serialize for EnvVar<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", self.name)?;
        match &self.source {
            Source::Field(path) => map.serialize_entry("valueFrom", &FieldSource::new(path))?,
            Source::Literal(value) => map.serialize_entry("value", value)?,
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldSource {
    field_ref: FieldRef,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldRef {
    field_path: &'static str,
}

impl FieldSource {
    fn new(field_path: &'static str) -> Self {
        Self {
            field_ref: FieldRef { field_path },
        }
    }
}

/// Writes `$` so that the kubelet, which expands `$(NAME)` in arguments and environment variables,
/// leaves it as it is.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains('$') {
        Cow::Owned(text.replace('$', "$$"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The five fields of the restricted Pod Security profile.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityContext {
    allow_privilege_escalation: bool,
    capabilities: Capabilities,
    read_only_root_filesystem: bool,
    run_as_non_root: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_user: Option<NonRootUser>,
    seccomp_profile: SeccompProfile,
}

#[derive(Debug, Serialize)]
struct Capabilities {
    drop: [&'static str; 1],
}

#[derive(Debug, Serialize)]
struct SeccompProfile {
    r#type: &'static str,
}

impl SecurityContext {
    fn restricted(run_as_user: Option<NonRootUser>) -> Self {
        Self {
            allow_privilege_escalation: false,
            capabilities: Capabilities { drop: ["ALL"] },
            read_only_root_filesystem: true,
            run_as_non_root: true,
            run_as_user,
            seccomp_profile: SeccompProfile {
                r#type: "RuntimeDefault",
            },
        }
    }
}

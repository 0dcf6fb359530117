//! What injection reads of a pod.

use serde::de::{IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use super::{
    quantity::Quantity,
    refusal::{PodError, Refusal},
    view::{self, List, Pairs, Text, View, view},
    volume::OwnVolume,
};

view! {
    /// A pod, or a pod template.
    Pod<'a> {
        kind: Text<'a> = "kind",
        metadata: Metadata<'a> = "metadata",
        spec: Spec<'a> = "spec",
    }
}

impl<'a> Pod<'a> {
    /// Reads the pod's JSON.
    pub(crate) fn read(json: &'a str) -> Result<Self, Refusal> {
        let pod: Self = serde_json::from_str(json).map_err(|error| {
            let located = locate(json, &error);
            if view::is_about_room(&error) {
                Refusal::TooLarge(located)
            } else {
                Refusal::Pod(located)
            }
        })?;
        pod.check_kind()?;
        Ok(pod)
    }

    /// Refuses an object that says itself that it is not a pod.
    pub(crate) fn check_kind(&self) -> Result<(), Refusal> {
        match self.kind.as_deref() {
            None | Some("Pod" | "") => Ok(()),
            Some(kind) => Err(Refusal::Pod(PodError {
                path: "kind".to_owned(),
                reason: format!("it is {kind:?} where Pod was expected"),
            })),
        }
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.as_ref()?.annotations.as_ref()?.get(key)
    }

    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.metadata.as_ref()?.labels.as_ref()?.get(key)
    }
}

/// Finds the path of an error. Only an invalid pod is read twice.
fn locate(json: &str, error: &serde_json::Error) -> PodError {
    let deserializer = &mut serde_json::Deserializer::from_str(json);
    let located = serde_path_to_error::deserialize::<_, Pod<'_>>(deserializer).err();
    let path = located.map(|error| error.path().to_string());
    PodError {
        path: path
            .filter(|path| path != ".")
            .unwrap_or_else(|| "its top level".to_owned()),
        reason: error.to_string(),
    }
}

view! {
    /// A pod's metadata.
    Metadata<'a> {
        annotations: Pairs<'a> = "annotations",
        labels: Pairs<'a> = "labels",
    }
}

view! {
    /// A pod's spec.
    Spec<'a> {
        containers: List<Container<'a>> = "containers",
        dns_policy: Text<'a> = "dnsPolicy",
        host_network: bool = "hostNetwork",
        image_pull_secrets: List<Named<'a>> = "imagePullSecrets",
        init_containers: List<Container<'a>> = "initContainers",
        node_name: Text<'a> = "nodeName",
        node_selector: Pairs<'a> = "nodeSelector",
        os: Named<'a> = "os",
        resources: Amounts = "resources",
        restart_policy: Text<'a> = "restartPolicy",
        scheduling_gates: List<Named<'a>> = "schedulingGates",
        scheduling_group: IgnoredAny = "schedulingGroup",
        security_context: SecurityContext = "securityContext",
        volumes: List<Volume<'a>> = "volumes",
        workload_ref: IgnoredAny = "workloadRef",
    }
}

impl<'a> Spec<'a> {
    /// Returns the pod's own containers.
    pub(crate) fn containers(&self) -> &[Container<'a>] {
        self.containers.as_deref().unwrap_or_default()
    }

    /// Returns the node's name, where the pod is not to be scheduled.
    pub(crate) fn node_name(&self) -> Option<&str> {
        self.node_name.as_deref().filter(|name| !name.is_empty())
    }

    /// Returns the init containers, ours among them where it is there.
    pub(crate) fn init_containers(&self) -> &[Container<'a>] {
        self.init_containers.as_deref().unwrap_or_default()
    }

    /// Returns whether the pod runs on Windows.
    pub(crate) fn is_windows(&self) -> bool {
        let os = self.os.as_ref().and_then(|os| os.name.as_deref());
        let selector = self.node_selector.as_ref();
        let selected = selector.and_then(|selector| selector.get("kubernetes.io/os"));
        [os, selected].contains(&Some("windows"))
    }

    /// Returns whether the pod's containers are restarted whenever they end.
    pub(crate) fn restarts_for_ever(&self) -> bool {
        matches!(self.restart_policy.as_deref(), None | Some("Always" | ""))
    }

    /// Returns the position of the volume with this name.
    pub(crate) fn position_of_volume(&self, name: &str) -> Option<usize> {
        let volumes = self.volumes.as_deref()?;
        let is_it = |volume: &Volume<'_>| volume.name.as_deref() == Some(name);
        volumes.iter().position(is_it)
    }

    /// Returns the names of the claims behind the volumes of a pod of this name.
    pub(crate) fn claims(&self, pod: &str) -> impl Iterator<Item = String> {
        let volumes = self.volumes.as_deref().unwrap_or_default().iter();
        volumes.filter_map(move |volume| {
            let named = volume
                .claim
                .as_ref()
                .and_then(|it| it.claim_name.as_deref());
            let name = || volume.name.as_deref().unwrap_or_default();
            let own = || volume.ephemeral.map(|_| format!("{pod}-{}", name()));
            named.map(str::to_owned).or_else(own)
        })
    }

    /// Returns whether the pod shares its node's network.
    pub(crate) fn uses_host_network(&self) -> bool {
        self.host_network == Some(true)
    }
}

view! {
    /// Anything with a name.
    Named<'a> {
        name: Text<'a> = "name",
    }
}

view! {
    /// A volume of a pod.
    Volume<'a> {
        claim: ClaimSource<'a> = "persistentVolumeClaim",
        config_map: IgnoredAny = "configMap",
        downward_api: IgnoredAny = "downwardAPI",
        ephemeral: IgnoredAny = "ephemeral",
        image: IgnoredAny = "image",
        name: Text<'a> = "name",
        projected: IgnoredAny = "projected",
        secret: IgnoredAny = "secret",
    }
}

impl Volume<'_> {
    /// Returns whether every mount of it is read-only, whatever the mount says.
    pub(crate) fn is_read_only(&self) -> bool {
        let kinds = [
            &self.config_map,
            &self.downward_api,
            &self.image,
            &self.projected,
            &self.secret,
        ];
        kinds.into_iter().any(Option::is_some)
    }
}

view! {
    /// The claim that a volume stands for.
    ClaimSource<'a> {
        claim_name: Text<'a> = "claimName",
    }
}

view! {
    /// The security context of a pod or of a container.
    SecurityContext {
        run_as_user: i64 = "runAsUser",
    }
}

view! {
    /// A container of any kind.
    Container<'a> {
        env: &'a RawValue = "env",
        lifecycle: Lifecycle<'a> = "lifecycle",
        name: Text<'a> = "name",
        resources: Amounts = "resources",
        restart_policy: Text<'a> = "restartPolicy",
        security_context: SecurityContext = "securityContext",
        volume_mounts: List<Mount<'a>> = "volumeMounts",
    }
}

impl<'a> Container<'a> {
    /// Returns the name, or an empty text without a name.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Returns whether it, as an init container, runs beside the pod's own containers.
    pub(crate) fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }

    /// Returns the literal value of an environment variable.
    pub(crate) fn env(&self, name: &str) -> Option<Text<'a>> {
        let List(variables): List<EnvVar<'a>> = serde_json::from_str(self.env?.get()).ok()?;
        variables
            .into_iter()
            .find(|variable| variable.name.as_deref() == Some(name))?
            .value
    }
}

view! {
    /// An environment variable.
    EnvVar<'a> {
        name: Text<'a> = "name",
        value: Text<'a> = "value",
    }
}

view! {
    /// A volume mount.
    Mount<'a> {
        path: Text<'a> = "mountPath",
        name: Text<'a> = "name",
        read_only: bool = "readOnly",
    }
}

impl Mount<'_> {
    /// Returns where it is mounted.
    pub(crate) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }

    /// Returns whether it mounts a volume of ours as we mount it into the pod's own containers.
    pub(crate) fn is_of(&self, volume: OwnVolume) -> bool {
        self.name.as_deref() == Some(volume.name()) && self.path() == volume.folder()
    }
}

view! {
    /// Requests and limits, of a container or of the whole pod.
    Amounts {
        limits: AmountList = "limits",
        requests: AmountList = "requests",
    }
}

view! {
    /// The amounts that quality of service depends on.
    AmountList {
        cpu: Quantity = "cpu",
        memory: Quantity = "memory",
    }
}

view! {
    /// A container's lifecycle.
    Lifecycle<'a> {
        post_start: PostStart<'a> = "postStart",
    }
}

/// A post-start hook.
#[derive(Debug, Default)]
pub(crate) struct PostStart<'a> {
    /// A command in the container.
    pub(crate) exec: Option<Exec<'a>>,
    /// The name of a handler of another kind, known or not.
    pub(crate) other: Option<String>,
}

impl<'de: 'a, 'a> View<'de> for PostStart<'a> {
    fn read_member<A: MapAccess<'de>>(
        &mut self,
        key: &str,
        members: &mut A,
    ) -> Result<(), A::Error> {
        if key == "exec" {
            self.exec = members.next_value()?;
        } else if members.next_value::<Option<IgnoredAny>>()?.is_some() {
            self.other = Some(key.to_owned());
        }
        Ok(())
    }
}

impl<'de: 'a, 'a> serde::Deserialize<'de> for PostStart<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        view::read(deserializer)
    }
}

view! {
    /// A command in a container.
    Exec<'a> {
        command: List<Text<'a>> = "command",
    }
}

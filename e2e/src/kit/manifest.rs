//! Manifests of the tests: pods and workloads.

use serde_json::{Value, json};

use super::image::BUSYBOX;

/// Any object in the format of the API server.
#[derive(Clone, Debug)]
pub struct Manifest(Value);

/// A pod or a pod template.
#[derive(Clone, Debug)]
pub struct PodManifest(Value);

/// Returns a pod with one container of the same name that runs until SIGTERM.
pub fn pod(name: &str) -> PodManifest {
    PodManifest(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}, "annotations": {}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": name,
                "image": BUSYBOX,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "infinity"],
                "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}},
            }],
        },
    }))
}

impl PodManifest {
    /// Sets a pod name that differs from its container's.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.with(json!({"metadata": {"name": name}}))
    }

    /// Sets `depends-on`.
    #[must_use]
    pub fn depends_on(self, terms: &str) -> Self {
        self.annotate("depends-on", terms)
    }

    /// Sets `signals`.
    #[must_use]
    pub fn signals(self, names: &str) -> Self {
        self.annotate("signals", names)
    }

    /// Sets an annotation.
    #[must_use]
    pub fn annotate(self, key: &str, value: &str) -> Self {
        self.with(json!({"metadata": {"annotations": {key: value}}}))
    }

    /// Sets a label.
    #[must_use]
    pub fn label(self, key: &str, value: &str) -> Self {
        self.with(json!({"metadata": {"labels": {key: value}}}))
    }

    /// Sets the image of its container.
    #[must_use]
    pub fn image(self, image: &str) -> Self {
        self.container(json!({"image": image}))
    }

    /// Sets the command of its container.
    #[must_use]
    pub fn command(self, command: &[&str]) -> Self {
        self.container(json!({"command": command}))
    }

    /// Sets a shell script as the command of its container.
    #[must_use]
    pub fn script(self, script: &str) -> Self {
        self.command(&["sh", "-c", script])
    }

    /// Sets a shell script that runs once, without a restart.
    #[must_use]
    pub fn once(self, script: &str) -> Self {
        self.script(script).spec(json!({"restartPolicy": "Never"}))
    }

    /// Binds it to this node.
    #[must_use]
    pub fn on_node(self, node: &str) -> Self {
        self.spec(json!({"nodeSelector": {"kubernetes.io/hostname": node}}))
    }

    /// Prevents scheduling: the pod is admitted and stays Pending.
    #[must_use]
    pub fn unscheduled(self) -> Self {
        self.spec(json!({"schedulerName": "nobody"}))
    }

    /// Makes it Ready while its container has this file.
    #[must_use]
    pub fn ready_while_exists(self, file: &str) -> Self {
        let probe = json!({
            "exec": {"command": ["test", "-e", file]},
            "failureThreshold": 1,
            "periodSeconds": 1,
        });
        self.container(json!({"readinessProbe": probe}))
    }

    /// Merges fields into its container. Objects are merged by member, everything else is replaced.
    #[must_use]
    pub fn container(mut self, fields: Value) -> Self {
        merge(&mut self.0["spec"]["containers"][0], fields);
        self
    }

    /// Merges fields into its `spec`.
    #[must_use]
    pub fn spec(self, fields: Value) -> Self {
        self.with(under("spec", fields))
    }

    /// Merges fields into the pod.
    #[must_use]
    pub fn with(mut self, fields: Value) -> Self {
        merge(&mut self.0, fields);
        self
    }

    fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// Converts it to a template, without a name.
    fn into_template(mut self) -> Value {
        if let Some(metadata) = self.0["metadata"].as_object_mut() {
            metadata.remove("name");
        }
        json!({"metadata": self.0["metadata"], "spec": self.0["spec"]})
    }
}

/// Returns a Deployment with that many replicas and the pod's name.
pub fn deployment(replicas: u32, pod: PodManifest) -> Manifest {
    workload("apps/v1", "Deployment", pod).spec(json!({"replicas": replicas}))
}

/// Returns a `StatefulSet` with that many replicas and the pod's name.
pub fn stateful_set(replicas: u32, pod: PodManifest) -> Manifest {
    let name = pod.name().to_owned();
    let set = workload("apps/v1", "StatefulSet", pod);
    set.spec(json!({"replicas": replicas, "serviceName": name}))
}

/// Returns a `DaemonSet` with the pod's name.
pub fn daemon_set(pod: PodManifest) -> Manifest {
    workload("apps/v1", "DaemonSet", pod)
}

/// Returns a Job with the pod's name that tries once. Its pods do not restart.
pub fn job(pod: PodManifest) -> Manifest {
    Manifest(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": pod.name()},
        "spec": job_spec(pod),
    }))
}

/// Returns a `CronJob` with the pod's name that runs every minute.
pub fn cron_job(pod: PodManifest) -> Manifest {
    Manifest(json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": pod.name()},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": job_spec(pod)}},
    }))
}

/// Returns a Service for port 8080 of the pods of this name.
pub fn service(name: &str) -> Manifest {
    Manifest(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 8080}]},
    }))
}

fn job_spec(pod: PodManifest) -> Value {
    let template = pod.spec(json!({"restartPolicy": "Never"})).into_template();
    json!({"backoffLimit": 0, "template": template})
}

fn workload(version: &str, kind: &str, pod: PodManifest) -> Manifest {
    Manifest(json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": pod.name(), "annotations": {}},
        "spec": {
            "selector": {"matchLabels": {"app": pod.name()}},
            "template": pod.into_template(),
        },
    }))
}

impl Manifest {
    /// Wraps any object.
    pub fn new(object: Value) -> Self {
        Self(object)
    }

    /// Merges fields into its `spec`.
    #[must_use]
    pub fn spec(self, fields: Value) -> Self {
        self.with(under("spec", fields))
    }

    /// Merges fields into the object.
    #[must_use]
    pub fn with(mut self, fields: Value) -> Self {
        merge(&mut self.0, fields);
        self
    }

    /// Returns the object.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl From<PodManifest> for Manifest {
    fn from(pod: PodManifest) -> Self {
        Self(pod.0)
    }
}

fn under(key: &str, value: Value) -> Value {
    Value::Object([(key.to_owned(), value)].into_iter().collect())
}

/// Merges objects by member and replaces everything else.
pub(crate) fn merge(into: &mut Value, fields: Value) {
    match (into, fields) {
        (Value::Object(into), Value::Object(fields)) => {
            for (key, value) in fields {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, fields) => *into = fields,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_merged_into_what_is_there() {
        let pod = pod("a").depends_on("x").spec(json!({"hostNetwork": true}));
        let Manifest(pod) = pod.container(json!({"image": "b"})).into();
        assert_eq!(pod["metadata"]["annotations"]["depends-on"], "x");
        assert_eq!(pod["spec"]["hostNetwork"], true);
        assert_eq!(pod["spec"]["containers"][0]["image"], "b");
        assert_eq!(pod["spec"]["containers"][0]["name"], "a");
    }

    #[test]
    fn a_template_has_its_labels_and_no_name() {
        let Manifest(object) = deployment(3, pod("web").depends_on("x"));
        assert_eq!(object["metadata"]["name"], "web");
        assert_eq!(object["spec"]["replicas"], 3);
        let metadata = &object["spec"]["template"]["metadata"];
        let expected = json!({"labels": {"app": "web"}, "annotations": {"depends-on": "x"}});
        assert_eq!(metadata, &expected);
        assert_eq!(
            object["spec"]["selector"]["matchLabels"],
            metadata["labels"]
        );
    }

    #[test]
    fn the_pods_of_a_job_do_not_restart() {
        let Manifest(object) = cron_job(pod("tick"));
        let job = &object["spec"]["jobTemplate"]["spec"];
        assert_eq!(job["template"]["spec"]["restartPolicy"], "Never");
    }
}

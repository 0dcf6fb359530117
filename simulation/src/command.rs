//! What a kubelet makes of a container's command before it runs it.

mod expansion;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::expansion::expand;

/// Where the client lies in the image of the injected container.
const CLIENT_IN_IMAGE: &str = "/oncue-client";

/// The name of the client's file in the shared volume.
const CLIENT: &str = "oncue-client";

/// The name of the volume that the containers of a pod share.
const VOLUME: &str = "oncue";

/// What is known of a pod when its containers run.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox<'a> {
    /// The admitted pod, with its name, uid and node filled in.
    pub pod: &'a Value,
    /// The folder that stands for the shared volume.
    pub folder: &'a Path,
}

/// A command, ready to run as a process of this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// The executable.
    pub program: Program,
    /// The arguments, without the program's name.
    pub args: Vec<String>,
    /// The environment, in the container's order.
    pub env: Vec<(String, String)>,
}

impl Command {
    /// Returns the value of an environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        value_of(&self.env, name)
    }
}

/// An executable that a simulation has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Program {
    /// The client in the injected container's image.
    Client,
    /// The client's file in the shared volume.
    Shared(PathBuf),
}

impl Sandbox<'_> {
    /// Returns what a container's `command` and `args` run; `None` if that is not the client.
    pub fn entry_point(&self, container: &Value) -> Option<Command> {
        let env = self.environment(container);
        let lookup = |name: &str| value_of(&env, name);
        let words: Vec<_> = strings(&container["command"])
            .chain(strings(&container["args"]))
            .map(|word| expand(word, lookup))
            .collect();
        let (program, args) = words.split_first()?;
        Some(Command {
            program: self.program(container, program)?,
            args: args.iter().map(|arg| self.mapped(container, arg)).collect(),
            env,
        })
    }

    /// Returns what a container's `postStart` hook runs, if that is the client; the user's command
    /// that it would run first is left out. The kubelet expands nothing in a hook.
    pub fn post_start(&self, container: &Value) -> Option<Command> {
        let words = post_start_words(container).take_while(|word| *word != "--");
        let words: Vec<_> = words.collect();
        let (program, args) = words.split_first()?;
        Some(Command {
            program: self.program(container, program)?,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: self.environment(container),
        })
    }

    /// Returns `None` for every program but the client: nothing else is ever run.
    fn program(&self, container: &Value, path: &str) -> Option<Program> {
        if path == CLIENT_IN_IMAGE {
            return Some(Program::Client);
        }
        let inside = Path::new(path)
            .strip_prefix(shared_mount(container)?)
            .ok()?;
        (inside == Path::new(CLIENT)).then(|| Program::Shared(self.folder.join(CLIENT)))
    }

    /// Puts the folder in the place of the mount in `--dir=/oncue`.
    fn mapped(&self, container: &Value, arg: &str) -> String {
        let folder = shared_mount(container).and_then(|mount| {
            let inside = Path::new(arg.strip_prefix("--dir=")?)
                .strip_prefix(mount)
                .ok()?;
            Some(self.folder.join(inside))
        });
        match folder {
            Some(folder) => format!("--dir={}", without_final_slash(&folder)),
            None => arg.to_owned(),
        }
    }

    fn environment(&self, container: &Value) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = Vec::new();
        for entry in container["env"].as_array().into_iter().flatten() {
            let Some(name) = entry["name"].as_str() else {
                continue;
            };
            let value = match entry["value"].as_str() {
                Some(text) => expand(text, |name| value_of(&env, name)),
                None => self.field(&entry["valueFrom"]["fieldRef"]["fieldPath"]),
            };
            env.push((name.to_owned(), value));
        }
        env
    }

    /// Returns what the downward API says of a field; empty if a simulation does not know it.
    fn field(&self, path: &Value) -> String {
        let pod = self.pod;
        let value = match path.as_str().unwrap_or_default() {
            "metadata.name" => &pod["metadata"]["name"],
            "metadata.namespace" => &pod["metadata"]["namespace"],
            "metadata.uid" => &pod["metadata"]["uid"],
            "spec.nodeName" => &pod["spec"]["nodeName"],
            "spec.serviceAccountName" => &pod["spec"]["serviceAccountName"],
            other => return self.member(other).unwrap_or_default().to_owned(),
        };
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Reads `metadata.labels['key']` and `metadata.annotations['key']`.
    fn member(&self, path: &str) -> Option<&str> {
        let (map, key) = path.strip_prefix("metadata.")?.split_once("['")?;
        self.pod["metadata"][map][key.strip_suffix("']")?].as_str()
    }
}

/// Returns the words of a container's exec hook.
pub(crate) fn post_start_words(container: &Value) -> impl Iterator<Item = &str> {
    strings(&container["lifecycle"]["postStart"]["exec"]["command"])
}

fn shared_mount(container: &Value) -> Option<&str> {
    let mounts = container["volumeMounts"].as_array()?;
    let mount = mounts.iter().find(|mount| {
        mount["name"] == VOLUME
            && mount["mountPath"]
                .as_str()
                .is_some_and(|path| path.starts_with("/oncue"))
    })?;
    mount["mountPath"].as_str()
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn value_of<'a>(env: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = env.iter().rev().find(|(candidate, _)| candidate == name)?;
    Some(&found.1)
}

/// `Path::join` leaves a slash where nothing is joined.
fn without_final_slash(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk_pod() -> Value {
        json!({
            "metadata": {
                "name": "web", "namespace": "shop", "uid": "u-1",
                "labels": {"app.kubernetes.io/version": "v7"},
            },
            "spec": {"nodeName": "node-2"},
        })
    }

    fn mk_mounts() -> Value {
        json!([
            {"name": "oncue", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
            {"name": "oncue", "mountPath": "/oncue"},
        ])
    }

    fn field(name: &str, path: &str) -> Value {
        json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}})
    }

    #[test]
    fn the_wait_finds_its_folder_its_facts_and_itself() {
        let container = json!({
            "command": ["/oncue-client"],
            "args": ["wait", "--dir=/oncue", "--", "cni/$(NODE_NAME)", "a/$$(POD_NAME)", "b/$(WHAT)"],
            "env": [
                field("NODE_NAME", "spec.nodeName"),
                field("VERSION", "metadata.labels['app.kubernetes.io/version']"),
                {"name": "BOTH", "value": "$(VERSION)-$(NODE_NAME)"},
                field("POD_IP", "status.podIP"),
            ],
            "volumeMounts": mk_mounts(),
        });
        let pod = mk_pod();
        let sandbox = Sandbox {
            pod: &pod,
            folder: Path::new("/tmp/web"),
        };
        let command = sandbox.entry_point(&container).unwrap();
        assert_eq!(command.program, Program::Client);
        assert_eq!(
            command.args,
            [
                "wait",
                "--dir=/tmp/web",
                "--",
                "cni/node-2",
                "a/$(POD_NAME)",
                "b/$(WHAT)"
            ]
        );
        let env: Vec<_> = command
            .env
            .iter()
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(env, ["node-2", "v7", "v7-node-2", ""]);
    }

    #[test]
    fn a_marker_is_a_file_of_the_shared_folder_without_the_users_command() {
        let words = [
            "/oncue/oncue-client",
            "create",
            "--marker",
            "--",
            "echo",
            "$(A)",
        ];
        let container = json!({
            "lifecycle": {"postStart": {"exec": {"command": words}}},
            "volumeMounts": mk_mounts(),
        });
        let pod = mk_pod();
        let sandbox = Sandbox {
            pod: &pod,
            folder: Path::new("/tmp/web"),
        };
        let command = sandbox.post_start(&container).unwrap();
        assert_eq!(
            command.program,
            Program::Shared("/tmp/web/oncue-client".into())
        );
        assert_eq!(command.args, ["create", "--marker"]);
    }

    #[test]
    fn runs_nothing_but_the_client() {
        let container = json!({
            "command": ["sh", "-c", "rm -rf /"],
            "lifecycle": {"postStart": {"exec": {"command": ["/oncue/../bin/sh"]}}},
            "volumeMounts": mk_mounts(),
        });
        let pod = mk_pod();
        let sandbox = Sandbox {
            pod: &pod,
            folder: Path::new("/tmp/web"),
        };
        assert_eq!(sandbox.entry_point(&container), None);
        assert_eq!(sandbox.post_start(&container), None);
    }
}

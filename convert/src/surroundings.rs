//! What a container would run, and what surrounds it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    environment::Environment,
    image::Image,
    objects::{Objects, list, text},
    text::{OWN_NAMESPACE, Text},
};

/// A container with everything that the files tell about it.
#[derive(Debug)]
pub(crate) struct Surroundings<'w> {
    /// The program and its arguments.
    pub(crate) argv: Vec<Text>,
    pub(crate) environment: Environment,
    pub(crate) image: Image,
    /// The namespace of the pod, if it is known.
    pub(crate) namespace: Option<String>,
    pub(crate) objects: &'w Objects<'w>,
    /// Scripts of `ConfigMap`s, by their path in the container.
    files: BTreeMap<String, &'w str>,
    /// Where volumes are mounted.
    mounts: Vec<String>,
}

/// The language of a shell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Dialect {
    Bash,
    Posix,
}

impl Dialect {
    /// Returns the language of the shell of this name, if it is one.
    pub(crate) fn of_shell(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "sh" | "ash" | "dash" => Some(Self::Posix),
            _ => None,
        }
    }

    /// Returns the language that the first line of a script names.
    pub(crate) fn of_script(script: &str) -> Self {
        let first = script.lines().next().unwrap_or_default();
        if first.starts_with("#!") && first.contains("bash") {
            Self::Bash
        } else {
            Self::Posix
        }
    }
}

impl<'w> Surroundings<'w> {
    /// Reads a container of a pod in `namespace`; the reason for a failure reads after "it".
    pub(crate) fn new(
        container: &Value,
        pod: &Pod<'_>,
        objects: &'w Objects<'w>,
    ) -> Result<Self, String> {
        let namespace = pod.namespace;
        let environment = Environment::new(container, objects, namespace);
        let image = Image::new(text(container, "/image").unwrap_or_default());
        let argv = argv(container, &image, &environment)?;
        Ok(Self {
            argv,
            environment,
            image,
            namespace: namespace.map(str::to_owned),
            objects,
            files: files(container, pod, objects),
            mounts: mounts(container).map(|(_, path)| path.to_owned()).collect(),
        })
    }

    /// Returns the content of a file that a `ConfigMap` of these files holds.
    pub(crate) fn file(&self, path: &str) -> Option<&'w str> {
        self.files.get(path).copied()
    }

    /// Returns whether a path is below the mount of a volume.
    pub(crate) fn is_on_volume(&self, path: &str) -> bool {
        self.mounts.iter().any(|mount| {
            let below = path.strip_prefix(mount.trim_end_matches('/'));
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// The pod of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pod<'p> {
    pub(crate) spec: &'p Value,
    pub(crate) namespace: Option<&'p str>,
}

fn argv(container: &Value, image: &Image, environment: &Environment) -> Result<Vec<Text>, String> {
    let words = |pointer| {
        let words = list(container, pointer).iter();
        words.map(|word| environment.substitute(word.as_str().unwrap_or_default()))
    };
    let mut argv: Vec<_> = words("/command").collect();
    if argv.is_empty() {
        let entrypoint = image.entrypoint().ok_or_else(|| {
            format!(
                "runs the entrypoint of the image {:?}, which the files do not show",
                image.reference()
            )
        })?;
        argv.extend(entrypoint.into_iter().map(Text::known));
        // The entrypoint of curl's image runs a program if its first argument is one. An image of
        // kubectl that gets a shell has no entrypoint: kubectl would not know what to do with it.
        let first = words("/args").next();
        let first = first.as_ref().and_then(Text::as_known).unwrap_or_default();
        let base = first.rsplit('/').next().unwrap_or_default();
        if Dialect::of_shell(base).is_some() {
            argv.retain(|word| !matches!(word.as_known(), Some("curl" | "kubectl")));
        }
    }
    argv.extend(words("/args"));
    if let Some(first) = argv.first().and_then(Text::as_known)
        && Dialect::of_shell(first.rsplit('/').next().unwrap_or(first)).is_some()
    {
        let scripts = ["/command", "/args"]
            .into_iter()
            .flat_map(|it| list(container, it));
        let scripts: Vec<_> = scripts.filter_map(Value::as_str).collect();
        // The last words: those that the entrypoint brings stand before them.
        let first = argv.len().saturating_sub(scripts.len());
        for (word, script) in argv[first..].iter_mut().zip(scripts) {
            let names_own_namespace = |text: &str| text.contains(OWN_NAMESPACE);
            let is_script = script.contains(char::is_whitespace);
            if matches!(word, Text::Unknown(_))
                || is_script && word.as_known().is_some_and(names_own_namespace)
            {
                *word = environment.substitute_in_script(script);
            }
        }
    }
    if argv.is_empty() {
        return Err(format!(
            "runs what the image {:?} starts by itself",
            image.reference()
        ));
    }
    Ok(argv)
}

fn mounts(container: &Value) -> impl Iterator<Item = (&Value, &str)> {
    let mounts = list(container, "/volumeMounts").iter();
    mounts.filter_map(|mount| Some((mount, text(mount, "/mountPath")?)))
}

/// Returns the files that `ConfigMap`s put into a container.
pub(crate) fn files<'w>(
    container: &Value,
    pod: &Pod<'_>,
    objects: &Objects<'w>,
) -> BTreeMap<String, &'w str> {
    let mut files = BTreeMap::new();
    for (mount, path) in mounts(container) {
        let named = |volume: &&Value| text(volume, "/name") == text(mount, "/name");
        let Some(volume) = list(pod.spec, "/volumes").iter().find(named) else {
            continue;
        };
        let name = text(volume, "/configMap/name");
        let map = name.and_then(|name| objects.find("ConfigMap", pod.namespace, name));
        let data = map.and_then(|map| map.get("data")?.as_object());
        for (key, content) in data.into_iter().flatten() {
            let item = list(volume, "/configMap/items").iter();
            let mut item = item.filter(|item| text(item, "/key") == Some(key));
            let file = item
                .next()
                .and_then(|item| text(item, "/path"))
                .unwrap_or(key);
            let place = match text(mount, "/subPath") {
                Some(sub_path) if sub_path == file => path.to_owned(),
                Some(_) => continue,
                None => format!("{}/{file}", path.trim_end_matches('/')),
            };
            if let Some(content) = content.as_str() {
                files.insert(place, content);
            }
        }
    }
    files
}

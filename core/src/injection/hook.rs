//! A container's post-start hook: what is there, and what a marker makes of it.

use serde::Serialize;

use super::{
    patch::{ElementPath, Patch},
    pod::{Container, PostStart},
    view::Text,
};

/// The marker's command.
const MARKER: [&str; 3] = [CLIENT, "create", "--marker"];

/// Where the marker finds the client.
pub(crate) const CLIENT: &str = "/oncue/oncue-client";

/// What stands between the marker's command and the one it runs first.
const SEPARATOR: &str = "--";

/// What a container has as its post-start hook.
#[derive(Debug)]
pub(crate) enum Hook<'a> {
    /// A command: the user's, without the marker that may be in front of it.
    Command {
        original: Vec<&'a str>,
        marked: bool,
    },
    /// A handler that no command can run.
    Foreign(&'a str),
    /// None.
    None(Lifecycle),
}

/// Whether a container has a lifecycle to put a hook in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lifecycle {
    Absent,
    Present,
}

impl<'a> Hook<'a> {
    /// Returns the hook of `container`.
    pub(crate) fn of(container: &'a Container<'_>) -> Self {
        let Some(lifecycle) = &container.lifecycle else {
            return Self::None(Lifecycle::Absent);
        };
        match &lifecycle.post_start {
            None => Self::None(Lifecycle::Present),
            Some(PostStart {
                exec: Some(exec), ..
            }) => Self::command(exec.command.as_deref().unwrap_or_default()),
            Some(PostStart { exec: None, other }) => {
                Self::Foreign(other.as_deref().unwrap_or("empty"))
            }
        }
    }

    fn command(argv: &'a [Text<'_>]) -> Self {
        let argv: Vec<&str> = argv.iter().map(|word| &**word).collect();
        match argv.strip_prefix(&MARKER) {
            Some(rest) => Self::Command {
                original: rest.strip_prefix(&[SEPARATOR]).unwrap_or(rest).to_vec(),
                marked: true,
            },
            None => Self::Command {
                original: argv,
                marked: false,
            },
        }
    }

    /// Returns whether the container has the marker.
    pub(crate) fn is_marked(&self) -> bool {
        matches!(self, Self::Command { marked: true, .. })
    }

    /// Adds to `patch` what puts the marker into the container `at`.
    pub(crate) fn mark(&self, at: &ElementPath, patch: &mut Patch) {
        match self {
            Self::Command { marked: true, .. } | Self::Foreign(_) => {}
            Self::Command { original, .. } => patch.add(
                format_args!("{at}/lifecycle/postStart/exec/command"),
                &chain(original),
            ),
            Self::None(Lifecycle::Absent) => patch.add(
                format_args!("{at}/lifecycle"),
                &NewLifecycle { post_start: MARKED },
            ),
            Self::None(Lifecycle::Present) => {
                patch.add(format_args!("{at}/lifecycle/postStart"), &MARKED);
            }
        }
    }

    /// Adds to `patch` what takes our marker out of the container `at`.
    pub(crate) fn unmark(&self, at: &ElementPath, patch: &mut Patch) {
        let Self::Command {
            original,
            marked: true,
        } = self
        else {
            return;
        };
        if original.is_empty() {
            patch.remove(format_args!("{at}/lifecycle/postStart"));
        } else {
            let command = format_args!("{at}/lifecycle/postStart/exec/command");
            patch.add(command, original);
        }
    }
}

/// The lifecycle of a container that had none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewLifecycle {
    post_start: NewPostStart,
}

/// The post-start hook of a container that had none.
#[derive(Serialize)]
struct NewPostStart {
    exec: NewExec,
}

#[derive(Serialize)]
struct NewExec {
    command: [&'static str; 3],
}

/// A hook with nothing but the marker.
const MARKED: NewPostStart = NewPostStart {
    exec: NewExec { command: MARKER },
};

fn chain<'a>(original: &[&'a str]) -> Vec<&'a str> {
    let separator = (!original.is_empty()).then_some(SEPARATOR);
    MARKER
        .into_iter()
        .chain(separator)
        .chain(original.iter().copied())
        .collect()
}

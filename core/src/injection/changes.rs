//! The patch that leads from a pod as it is to what is planned for it.
//!
//! Every step compares and adds what is missing, so a round on the result changes nothing, and a
//! round after another webhook adds only what that webhook removed.

use std::fmt;

use serde::Serialize;

use super::{
    annotations::Annotations,
    arguments::{Arguments, arguments},
    container::{self, CONTAINER, Particulars, WaitContainer},
    hook::Hook,
    patch::{ElementPath, Patch},
    plan::Plan,
    pod::{Container, Named},
    record::Record,
    refusal::Refusal,
    user,
    view::List,
    volume::OwnVolume,
};
use crate::language::annotation::{Key, Mode};

/// Returns the patch that carries `plan` out.
///
/// # Errors
/// [`Refusal::TooLarge`] if the pod has no room for oncue's annotations.
pub(crate) fn patch(plan: &Plan<'_>) -> Result<Patch, Refusal> {
    let mut record = Record::of(plan.asked, plan.chosen);
    if plan.needs(OwnVolume::Token) {
        record.add_token();
    }
    let mut wait = plan
        .needs_container()
        .then(|| wait_container(plan, &record));
    record.hash = container::hash(wait.as_ref(), &record);
    if let Some(wait) = &mut wait {
        wait.set_hash(&record.hash);
    }
    let annotations = Annotations::new(plan, &record)?;
    let mut changes = Changes {
        plan,
        patch: Patch::default(),
    };
    changes.label();
    annotations.write(&mut changes.patch);
    changes.volumes();
    changes.pull_secrets();
    changes.gate();
    changes.containers();
    changes.wait_container(wait.as_ref(), &record.hash);
    Ok(changes.patch)
}

fn wait_container<'a>(plan: &Plan<'a>, record: &Record) -> WaitContainer<'a> {
    let Arguments { list, names_node } = arguments(plan.asked, record, plan.duties);
    WaitContainer::new(
        plan.settings,
        Particulars {
            args: list,
            names_node,
            resources: plan.resources,
            user: user::of(plan.spec, plan.settings),
        },
    )
}

struct Changes<'a> {
    plan: &'a Plan<'a>,
    patch: Patch,
}

impl Changes<'_> {
    fn label(&mut self) {
        let label = self.plan.settings.managed_label();
        let metadata = self.plan.pod.metadata.as_ref();
        match metadata.and_then(|metadata| metadata.labels.as_ref()) {
            None => self.patch.add(
                format_args!("/metadata/labels"),
                &serde_json::json!({ label: "true" }),
            ),
            Some(labels) if labels.get(&label).is_none() => {
                self.patch.add_member("/metadata/labels", &label, &"true");
            }
            Some(_) => {}
        }
    }

    fn volumes(&mut self) {
        let plan = self.plan;
        let mut change = ListChange::default();
        for volume in OwnVolume::ALL {
            let present = plan.spec.position_of_volume(volume.name());
            match (present, plan.needs(volume)) {
                (None, true) => change.missing.push(volume.volume()),
                (Some(index), false) if plan.had(volume) => change.unneeded.push(index),
                (None, false) | (Some(_), _) => {}
            }
        }
        let volumes = plan.spec.volumes.as_ref();
        self.change_list(format_args!("/spec/volumes"), volumes, change);
    }

    fn pull_secrets(&mut self) {
        let plan = self.plan;
        if !plan.needs_container() {
            return;
        }
        let secrets = plan.spec.image_pull_secrets.as_ref();
        let wanted = plan.settings.image.pull_secrets.iter();
        let missing = wanted.filter(|name| position(secrets, name).is_none());
        let missing = missing.map(|name| Reference { name }).collect();
        let change = ListChange {
            missing,
            unneeded: Vec::new(),
        };
        self.change_list(format_args!("/spec/imagePullSecrets"), secrets, change);
    }

    fn gate(&mut self) {
        let name = self.plan.settings.keys.prefixed(Key::DependsOn);
        let gates = self.plan.spec.scheduling_gates.as_ref();
        let wanted = self.plan.asked.mode == Mode::Gate && !self.plan.asked.depends_on.is_empty();
        match position(gates, &name) {
            None if wanted => {
                let gate = Reference { name: &name };
                self.append(format_args!("/spec/schedulingGates"), gates, &gate);
            }
            Some(index) if !wanted => {
                self.patch
                    .remove(format_args!("/spec/schedulingGates/{index}"));
            }
            None | Some(_) => {}
        }
    }

    fn containers(&mut self) {
        let spec = self.plan.spec;
        for (list, containers) in [
            ("initContainers", spec.init_containers()),
            ("containers", spec.containers()),
        ] {
            for (index, container) in containers.iter().enumerate() {
                if container.name() != CONTAINER {
                    self.container(&ElementPath { list, index }, container);
                }
            }
        }
    }

    fn container(&mut self, path: &ElementPath, container: &Container<'_>) {
        self.mounts(path, container);
        if self.plan.needs_marker(container) {
            Hook::of(container).mark(path, &mut self.patch);
        } else if self.plan.was_injected() {
            Hook::of(container).unmark(path, &mut self.patch);
        }
    }

    fn mounts(&mut self, path: &ElementPath, container: &Container<'_>) {
        let plan = self.plan;
        let mounts = container.volume_mounts.as_ref();
        let mut change = ListChange::default();
        for volume in OwnVolume::ALL {
            let present = mounts.and_then(|list| list.iter().position(|it| it.is_of(volume)));
            match (present, plan.needs_mount(volume, container)) {
                (None, true) => change.missing.push(volume.mount()),
                (Some(index), false) if plan.had(volume) => change.unneeded.push(index),
                (None, false) | (Some(_), _) => {}
            }
        }
        self.change_list(format_args!("{path}/volumeMounts"), mounts, change);
    }

    /// Comes last, since it moves the other init containers.
    fn wait_container(&mut self, wanted: Option<&WaitContainer<'_>>, hash: &str) {
        let present = self.plan.around.present();
        let place = self.plan.place.index;
        if wanted.is_some() && present == Some(place) && self.plan.present_hash() == Some(hash) {
            return;
        }
        if let Some(index) = present.filter(|_| self.plan.present_hash().is_some()) {
            self.patch
                .remove(format_args!("/spec/initContainers/{index}"));
        }
        match (wanted, &self.plan.spec.init_containers) {
            (None, _) => {}
            (Some(wanted), None) => self
                .patch
                .add(format_args!("/spec/initContainers"), &[wanted]),
            (Some(wanted), Some(_)) => self
                .patch
                .add(format_args!("/spec/initContainers/{place}"), wanted),
        }
    }

    /// Removes elements of a list, the last one first, and adds others to its end.
    fn change_list<T, E: Serialize>(
        &mut self,
        path: fmt::Arguments<'_>,
        list: Option<&List<T>>,
        change: ListChange<E>,
    ) {
        let ListChange {
            missing,
            mut unneeded,
        } = change;
        unneeded.sort_unstable();
        for index in unneeded.into_iter().rev() {
            self.patch.remove(format_args!("{path}/{index}"));
        }
        match list {
            None if missing.is_empty() => {}
            None => self.patch.add(path, &missing),
            Some(_) => missing
                .iter()
                .for_each(|element| self.patch.add(format_args!("{path}/-"), element)),
        }
    }

    /// Adds an element to the end of a list, and the list itself where it is absent.
    fn append<T>(
        &mut self,
        path: fmt::Arguments<'_>,
        list: Option<&List<T>>,
        element: &impl Serialize,
    ) {
        match list {
            None => self.patch.add(path, &[element]),
            Some(_) => self.patch.add(format_args!("{path}/-"), element),
        }
    }
}

/// What changes in a list.
struct ListChange<E> {
    missing: Vec<E>,
    /// The positions of the elements that go.
    unneeded: Vec<usize>,
}

impl<E> Default for ListChange<E> {
    fn default() -> Self {
        Self {
            missing: Vec::new(),
            unneeded: Vec::new(),
        }
    }
}

/// Something that is referred to by its name alone.
#[derive(Serialize)]
struct Reference<'a> {
    name: &'a str,
}

fn position(list: Option<&List<Named<'_>>>, name: &str) -> Option<usize> {
    let is_it = |element: &Named<'_>| element.name.as_deref() == Some(name);
    list?.iter().position(is_it)
}

//! What of a pod's own stands where ours must.

use super::{
    container::{CONTAINER, FOLDER, VOLUME},
    hook::{CLIENT, Hook},
    plan::Plan,
    pod::{Container, Mount},
    refusal::Collision,
};

/// Refuses a pod in which something of its own stands where ours must.
pub(crate) fn check(plan: &Plan<'_>) -> Result<(), Collision> {
    if plan.needs_container() || plan.was_injected() {
        check_container_names(plan)?;
    }
    if !plan.needs_container() {
        return Ok(());
    }
    check_volume_name(plan)?;
    for (list, containers) in [
        ("containers", plan.spec.containers()),
        ("initContainers", plan.spec.init_containers()),
    ] {
        for (index, container) in containers.iter().enumerate() {
            if container.name() != CONTAINER {
                let path = |member: &str| format!("spec.{list}[{index}].{member}");
                check_mounts(plan, container, path)?;
                check_marker(plan, container, path)?;
            }
        }
    }
    Ok(())
}

/// Refuses a container with our container's name that is not ours: among the pod's own containers,
/// a second init container, and one that no earlier round put there.
fn check_container_names(plan: &Plan<'_>) -> Result<(), Collision> {
    let ours = |containers: &[Container<'_>]| -> Vec<usize> {
        let indices = 0..containers.len();
        indices
            .filter(|i| containers[*i].name() == CONTAINER)
            .collect()
    };
    let apps = ours(plan.spec.containers());
    let init = ours(plan.spec.init_containers());
    let path = match (&apps[..], &init[..]) {
        ([index, ..], _) => format!("spec.containers[{index}]"),
        ([], [_, second, ..]) => format!("spec.initContainers[{second}]"),
        ([], [index]) if plan.present_hash().is_none() => format!("spec.initContainers[{index}]"),
        ([], _) => return Ok(()),
    };
    Err(Collision::Container {
        path,
        name: CONTAINER,
    })
}

fn check_volume_name(plan: &Plan<'_>) -> Result<(), Collision> {
    match plan.spec.position_of_volume(VOLUME) {
        Some(index) if !plan.was_injected() => Err(Collision::Volume {
            path: format!("spec.volumes[{index}]"),
            name: VOLUME,
        }),
        None | Some(_) => Ok(()),
    }
}

fn check_mounts(
    plan: &Plan<'_>,
    container: &Container<'_>,
    path: impl Fn(&str) -> String,
) -> Result<(), Collision> {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let expected = plan.needs_mount(container);
    let cure = |mount: &Mount<'_>| {
        if mount.is_ours() {
            (!expected && !plan.was_injected()).then_some(TAKE_OUT)
        } else {
            (expected && is_inside(mount.path())).then_some(MOVE)
        }
    };
    let mut mounts = mounts.iter().enumerate();
    match mounts.find_map(|(index, mount)| Some((index, mount, cure(mount)?))) {
        Some((index, mount, cure)) => Err(Collision::Mount {
            path: path(&format!("volumeMounts[{index}]")),
            mount_path: mount.path().to_owned(),
            cure,
        }),
        None => Ok(()),
    }
}

/// Refuses a marker that the next round would take for one that an earlier round had left.
fn check_marker(
    plan: &Plan<'_>,
    container: &Container<'_>,
    path: impl Fn(&str) -> String,
) -> Result<(), Collision> {
    let expected = plan.needs_marker(container) || plan.was_injected();
    if expected || !Hook::of(container).is_marked() {
        return Ok(());
    }
    Err(Collision::Mount {
        path: path("lifecycle.postStart.exec.command"),
        mount_path: CLIENT.to_owned(),
        cure: TAKE_OUT,
    })
}

/// What would be right for a mount or marker like ours, which the next round would remove.
const TAKE_OUT: &str = "take it out, oncue adds it itself where it is asked for";

/// What would be right for a mount of the pod's own.
const MOVE: &str = "choose another path";

/// Returns whether `path` is our folder or lies in it: below a read-only mount the runtime cannot
/// make the folder of another.
fn is_inside(path: &str) -> bool {
    let mut segments = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."));
    segments.next() == FOLDER.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_folder_is_ours_however_it_is_written() {
        for path in ["/oncue", "/oncue/", "//oncue", "/./oncue/x"] {
            assert!(is_inside(path), "{path}");
        }
        for path in ["/", "/oncue2", "/x/oncue", ""] {
            assert!(!is_inside(path), "{path}");
        }
    }
}

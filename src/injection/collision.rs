//! What of a pod's own stands where ours must.

use super::{
    container::{CONTAINER, FOLDER, VOLUME},
    plan::Plan,
    pod::{Container, Mount},
    refusal::Collision,
};

/// Refuses a pod in which something of its own stands where ours must.
pub(crate) fn check(plan: &Plan<'_>) -> Result<(), Collision> {
    check_container_names(plan)?;
    check_volume_name(plan)?;
    for (list, containers) in [
        ("containers", plan.spec.containers()),
        ("initContainers", plan.spec.init_containers()),
    ] {
        for (index, container) in containers.iter().enumerate() {
            if container.name() != CONTAINER && plan.needs_mount(container) {
                check_mounts(container, |mount| format!("spec.{list}[{index}].{mount}"))?;
            }
        }
    }
    Ok(())
}

fn check_container_names(plan: &Plan<'_>) -> Result<(), Collision> {
    let taken = |path| {
        Err(Collision::Container {
            path,
            name: CONTAINER,
        })
    };
    let mut apps = plan.spec.containers().iter();
    match (
        apps.position(|c| c.name() == CONTAINER),
        plan.around.present(),
    ) {
        (Some(index), _) => taken(format!("spec.containers[{index}]")),
        (None, Some(index)) if plan.present_hash().is_none() => {
            taken(format!("spec.initContainers[{index}]"))
        }
        (None, _) => Ok(()),
    }
}

fn check_volume_name(plan: &Plan<'_>) -> Result<(), Collision> {
    let volumes = plan.spec.volumes.as_deref().unwrap_or_default();
    let index = volumes
        .iter()
        .position(|volume| volume.name.as_deref() == Some(VOLUME));
    match index {
        Some(index) if !plan.was_injected() => Err(Collision::Volume {
            path: format!("spec.volumes[{index}]"),
            name: VOLUME,
        }),
        None | Some(_) => Ok(()),
    }
}

fn check_mounts(container: &Container<'_>, path: impl Fn(&str) -> String) -> Result<(), Collision> {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let in_the_way = |mount: &Mount<'_>| !mount.is_ours() && is_inside(mount.path());
    match mounts.iter().position(in_the_way) {
        Some(index) => Err(Collision::Mount {
            path: path(&format!("volumeMounts[{index}]")),
            mount_path: mounts[index].path().to_owned(),
        }),
        None => Ok(()),
    }
}

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

//! What of a pod's own stands where ours must.

use super::{
    container::CONTAINER,
    hook::{CLIENT, Hook},
    plan::Plan,
    pod::{Container, Mount, Volume},
    refusal::Collision,
    volume::OwnVolume,
};

/// Refuses a pod in which something of its own stands where ours must.
pub(crate) fn check(plan: &Plan<'_>) -> Result<(), Collision> {
    if plan.needs_container() || plan.was_injected() {
        check_container_names(plan)?;
    }
    if !plan.needs_container() {
        return Ok(());
    }
    for volume in OwnVolume::ALL {
        check_volume_name(plan, volume)?;
    }
    for (list, containers) in [
        ("containers", plan.spec.containers()),
        ("initContainers", plan.spec.init_containers()),
    ] {
        for (index, container) in containers.iter().enumerate() {
            if container.name() != CONTAINER {
                let path = |member: &str| format!("spec.{list}[{index}].{member}");
                for volume in OwnVolume::ALL {
                    check_mounts((plan, volume), container, path)?;
                }
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

fn check_volume_name(plan: &Plan<'_>, volume: OwnVolume) -> Result<(), Collision> {
    let name = volume.name();
    match plan.spec.position_of_volume(name) {
        Some(index) if plan.needs(volume) && !plan.had(volume) => Err(Collision::Volume {
            path: format!("spec.volumes[{index}]"),
            name,
        }),
        None | Some(_) => Ok(()),
    }
}

fn check_mounts(
    (plan, volume): (&Plan<'_>, OwnVolume),
    container: &Container<'_>,
    path: impl Fn(&str) -> String,
) -> Result<(), Collision> {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let expected = plan.needs_mount(volume, container);
    let folder = volume.folder();
    let cure = |mount: &Mount<'_>| {
        if mount.is_of(volume) {
            let is_new = plan.needs(volume) && !plan.had(volume);
            (!expected && is_new).then_some(TAKE_OUT)
        } else if !expected {
            None
        } else if is_inside(mount.path(), folder) {
            Some(MOVE)
        } else {
            let is_above = is_inside(folder, mount.path());
            (is_above && is_read_only(plan, mount)).then_some(MOVE_READ_ONLY)
        }
    };
    let mut mounts = mounts.iter().enumerate();
    match mounts.find_map(|(index, mount)| Some((index, mount, cure(mount)?))) {
        Some((index, mount, cure)) => Err(Collision::Mount {
            path: path(&format!("volumeMounts[{index}]")),
            mount_path: mount.path().to_owned(),
            folder,
            cure,
        }),
        None => Ok(()),
    }
}

/// Returns whether the runtime cannot make the folder of another mount in this one.
fn is_read_only(plan: &Plan<'_>, mount: &Mount<'_>) -> bool {
    let volumes = plan.spec.volumes.as_deref().unwrap_or_default();
    let its = |volume: &&Volume<'_>| volume.name.is_some() && volume.name == mount.name;
    let volume = volumes.iter().find(its);
    mount.read_only == Some(true) || volume.is_some_and(Volume::is_read_only)
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
        folder: OwnVolume::Client.folder(),
        cure: TAKE_OUT,
    })
}

/// What would be right for a mount or marker like ours, which the next round would remove.
const TAKE_OUT: &str = "take it out, oncue adds it itself where it is asked for";

/// What would be right for a mount of the pod's own.
const MOVE: &str = "choose another path";

/// What would be right for a read-only mount of the pod's own above ours.
const MOVE_READ_ONLY: &str =
    "it is read-only, so nothing can be mounted below it: choose another path";

/// Returns whether `path` is `folder` or lies in it.
fn is_inside(path: &str, folder: &str) -> bool {
    let mut inner = segments(path);
    segments(folder).all(|segment| inner.next() == Some(segment))
}

/// Returns the segments of a path. `/var/run` is a link to `/run` in most images.
fn segments(path: &str) -> impl Iterator<Item = &str> + Clone {
    let segments = path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."));
    let is_link = segments.clone().take(2).eq(["var", "run"]);
    segments.skip(usize::from(is_link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_folders_are_ours_however_they_are_written() {
        let [files, token] = OwnVolume::ALL.map(OwnVolume::folder);
        for path in ["/oncue", "/oncue/", "//oncue", "/./oncue/x"] {
            assert!(is_inside(path, files), "{path}");
        }
        for path in ["/", "/oncue2", "/x/oncue", ""] {
            assert!(!is_inside(path, files), "{path}");
        }
        for path in ["/var/run/secrets/oncue.dev", "/run/secrets/oncue.dev/x"] {
            assert!(is_inside(path, token), "{path}");
        }
        for path in ["/var/run/secrets", "/secrets/oncue.dev", "/var/oncue.dev"] {
            assert!(!is_inside(path, token), "{path}");
        }
    }
}

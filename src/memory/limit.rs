//! The memory that the process may take.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use super::ByteSize;

/// The memory limit of the process, and its source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemoryLimit {
    /// The limit.
    pub size: ByteSize,
    /// The source of the limit.
    pub source: LimitSource,
}

/// The source of the memory limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LimitSource {
    /// The cgroup of the process, or one above it.
    Cgroup,
    /// No limit was found.
    Default,
    /// `--memory-limit`.
    Setting,
}

impl MemoryLimit {
    /// What the process takes at most on a machine that limits nothing.
    pub const DEFAULT: ByteSize = ByteSize(1 << 30);

    /// Returns the limit that is set, else that of the cgroup, else 1 GiB.
    pub fn find(setting: Option<ByteSize>) -> Self {
        Self::choose(setting, || cgroup_limit(Path::new("/")))
    }

    fn choose(setting: Option<ByteSize>, cgroup: impl FnOnce() -> Option<ByteSize>) -> Self {
        let set = setting.map(|size| (size, LimitSource::Setting));
        let found = set.or_else(|| Some((cgroup()?, LimitSource::Cgroup)));
        let (size, source) = found.unwrap_or((Self::DEFAULT, LimitSource::Default));
        Self { size, source }
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            LimitSource::Cgroup => "the limit of its cgroup",
            LimitSource::Default => "the default",
            LimitSource::Setting => "--memory-limit",
        };
        write!(f, "{} ({source})", self.size)
    }
}

/// Returns the smallest limit of the cgroups that the process is in, of version 2 and 1.
fn cgroup_limit(root: &Path) -> Option<ByteSize> {
    let memberships = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let files = memberships
        .lines()
        .filter_map(|line| limit_files(root, line));
    files.flatten().filter_map(|file| read_limit(&file)).min()
}

/// Returns the files with the limits of one line of `/proc/self/cgroup`, its parents' included.
///
/// In a container the path may be the one that the host sees: then only the mount's root is there.
fn limit_files(root: &Path, line: &str) -> Option<Vec<PathBuf>> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let (mount, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|it| it == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    let mount = root.join(mount);
    let own = Path::new(path.trim_start_matches('/'));
    let groups = own.ancestors().map(|group| mount.join(group).join(file));
    Some(groups.collect())
}

/// Returns the limit in a file; none for `max`, nor for the huge number that version 1 writes.
fn read_limit(file: &Path) -> Option<ByteSize> {
    let bytes: u64 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let bytes = usize::try_from(bytes).ok()?;
    (bytes < UNLIMITED).then_some(ByteSize(bytes))
}

/// More memory than any machine has: version 1 writes the largest multiple of a page.
const UNLIMITED: usize = 1 << 60;

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn mk_root(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn found(files: &[(&str, &str)]) -> Option<ByteSize> {
        cgroup_limit(mk_root(files).path())
    }

    #[test]
    fn the_smallest_limit_of_the_own_cgroup_and_its_parents_holds() {
        let own = ("proc/self/cgroup", "0::/pods/oncue\n");
        let mount = |rest, text| (rest, text);
        let files = [
            own,
            mount("sys/fs/cgroup/pods/memory.max", "1048576\n"),
            mount("sys/fs/cgroup/pods/oncue/memory.max", "2097152\n"),
        ];
        assert_eq!(found(&files), Some(ByteSize(1 << 20)));
        let unlimited = mount("sys/fs/cgroup/pods/oncue/memory.max", "max\n");
        assert_eq!(found(&[own, unlimited]), None);
    }

    #[test]
    fn the_mount_of_a_container_counts_where_its_path_is_the_hosts() {
        let files = [
            ("proc/self/cgroup", "0::/../../host/path\n"),
            ("sys/fs/cgroup/memory.max", "536870912\n"),
        ];
        assert_eq!(found(&files), Some(ByteSize(512 << 20)));
    }

    #[test]
    fn version_1_is_read_and_its_huge_number_is_no_limit() {
        let own = ("proc/self/cgroup", "5:cpu:/a\n4:memory,hugetlb:/a\n");
        let file = "sys/fs/cgroup/memory/a/memory.limit_in_bytes";
        assert_eq!(found(&[own, (file, "4096\n")]), Some(ByteSize(4096)));
        assert_eq!(found(&[own, (file, "9223372036854771712\n")]), None);
    }

    #[test]
    fn a_setting_goes_before_the_cgroup_and_that_before_the_default() {
        let cgroup = || Some(ByteSize(2));
        let set = MemoryLimit::choose(Some(ByteSize(1)), cgroup);
        assert_eq!((set.size, set.source), (ByteSize(1), LimitSource::Setting));
        let found = MemoryLimit::choose(None, cgroup);
        assert_eq!(
            (found.size, found.source),
            (ByteSize(2), LimitSource::Cgroup)
        );
        let default = MemoryLimit::choose(None, || None);
        assert_eq!(default.to_string(), "1 GiB (the default)");
    }
}

//! The changes as a patch.

use similar::TextDiff;

use super::conversion::ChangedFile;

/// Returns a patch for `patch -p1` and `git apply`.
pub(super) fn unified(files: &[ChangedFile<'_>]) -> String {
    let patches = files.iter().map(|file| {
        let name = file.name.trim_start_matches("./").trim_start_matches('/');
        let diff = TextDiff::from_lines(file.before, file.after);
        let mut diff = diff.unified_diff();
        diff.header(&format!("a/{name}"), &format!("b/{name}"))
            .to_string()
    });
    patches.collect()
}

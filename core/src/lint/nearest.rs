//! The name that was perhaps meant.

/// How alike two names must be for one to be taken for the other mistyped, from 0 to 1.
const LIKENESS: f64 = 0.85;

/// Returns the candidate whose name is most like `name`, where one is like it at all.
pub(super) fn nearest<T>(
    name: &str,
    candidates: impl Iterator<Item = (String, T)>,
) -> Option<(String, T)> {
    candidates
        .map(|(text, candidate)| (strsim::jaro_winkler(name, &text), (text, candidate)))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, found)| found)
}

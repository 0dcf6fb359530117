//! Findings as text for a terminal.

use json_patch::jsonptr::Pointer;

use crate::lint::Finding;

/// Returns a line for each finding, short enough for the API server, which may cut warnings longer
/// than 256 characters, or shorter ones if there are many.
pub(super) fn warnings(findings: &[&Finding]) -> Vec<String> {
    let (told, rest) = findings.split_at(findings.len().min(MAX_WARNINGS));
    let mut lines: Vec<_> = told.iter().map(|finding| shorten(text(finding))).collect();
    if !rest.is_empty() {
        lines.push(format!(
            "and {} more: oncue check says them all",
            rest.len()
        ));
    }
    lines
}

/// Returns one text for all findings.
pub(super) fn denial(findings: &[&Finding]) -> String {
    let (told, rest) = findings.split_at(findings.len().min(MAX_WARNINGS));
    let mut texts: Vec<_> = told.iter().map(|finding| text(finding)).collect();
    if !rest.is_empty() {
        texts.push(format!("and {} more like these", rest.len()));
    }
    texts.join("; ")
}

/// Returns the place, then the message without the key that the place ends with.
fn text(finding: &Finding) -> String {
    let place = field_path(&finding.place.pointer);
    let key = place
        .rsplit_once('[')
        .and_then(|(_, key)| key.strip_suffix(']'));
    let rest = key
        .and_then(|key| finding.message.strip_prefix(key))
        .and_then(|message| message.strip_prefix(": "));
    format!("{place}: {}", rest.unwrap_or(&finding.message))
}

/// Returns a JSON pointer as a field path in the form of Kubernetes.
fn field_path(pointer: &str) -> String {
    let mut path = String::new();
    for token in Pointer::parse(pointer).unwrap_or(Pointer::root()) {
        let token = token.decoded();
        let is_map = path.ends_with("annotations") || path.ends_with("labels");
        let is_index = token.bytes().all(|byte| byte.is_ascii_digit());
        let [before, after] = match path.is_empty() {
            _ if is_map || is_index => ["[", "]"],
            true => ["", ""],
            false => [".", ""],
        };
        path.extend([before, &token, after]);
    }
    path
}

/// Shortens a text at a word if it is too long.
fn shorten(text: String) -> String {
    let Some((end, _)) = text.char_indices().nth(MAX_CHARS) else {
        return text;
    };
    let room = end - MORE.len();
    let cut = text.floor_char_boundary(room);
    let words = text[..cut]
        .rsplit_once(' ')
        .map_or(&text[..cut], |(words, _)| words);
    format!("{}{MORE}", words.trim_end_matches([',', ':', ';']))
}

/// The most warnings of one answer.
const MAX_WARNINGS: usize = 8;

/// The most characters of a warning.
const MAX_CHARS: usize = 256;

const MORE: &str = " ...";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{Code, Part, Place, Severity};

    fn mk(pointer: &str, message: &str) -> Finding {
        Finding {
            severity: Severity::Error,
            code: Code::BadAnnotation,
            message: message.to_owned(),
            place: Place {
                object: 0,
                pointer: pointer.to_owned(),
                part: Part::Key,
            },
        }
    }

    #[test]
    fn says_where_as_kubernetes_does_and_the_key_once() {
        let annotations = "/spec/template/metadata/annotations";
        for (pointer, message, expected) in [
            (
                format!("{annotations}/depends-on"),
                "depends-on: column 3: no",
                "spec.template.metadata.annotations[depends-on]: column 3: no",
            ),
            (
                format!("{annotations}/oncue.dev~1inject"),
                "oncue.dev/injekt is not a key",
                "spec.template.metadata.annotations[oncue.dev/inject]: oncue.dev/injekt is not a key",
            ),
            (
                "/spec/template/spec/volumes/2/name".to_owned(),
                "taken",
                "spec.template.spec.volumes[2].name: taken",
            ),
        ] {
            assert_eq!(text(&mk(&pointer, message)), expected);
        }
    }

    #[test]
    fn no_warning_is_longer_than_256_characters() {
        let long = mk("/metadata/labels/signals", &"\u{e9}word, ".repeat(80));
        let [warning] = &warnings(&[&long])[..] else {
            panic!("one finding, one warning")
        };
        assert!(warning.chars().count() <= MAX_CHARS, "{warning}");
        assert!(warning.ends_with("\u{e9}word ..."), "{warning}");
    }

    #[test]
    fn many_are_counted() {
        let finding = mk("/metadata", "no");
        let lines = warnings(&[&finding; 11]);
        assert_eq!(lines.len(), 9);
        assert_eq!(lines[8], "and 3 more: oncue check says them all");
        assert!(denial(&[&finding; 11]).ends_with("; and 3 more like these"));
    }
}

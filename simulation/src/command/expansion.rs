//! The kubelet's expansion of `$(NAME)` in commands, arguments and values.

/// Expands every `$(NAME)` that `lookup` knows.
///
/// `$$` is a dollar sign that begins nothing; what is unknown, unclosed or not a reference stays as
/// it is written.
pub(super) fn expand<'a>(text: &str, lookup: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        expanded.push_str(&rest[..dollar]);
        let (piece, length) = reference(&rest[dollar..], &lookup);
        expanded.push_str(piece);
        rest = &rest[dollar + length..];
    }
    expanded.push_str(rest);
    expanded
}

/// Reads what a dollar sign begins: what stands in its place, and how many bytes it took.
fn reference<'a: 'b, 'b>(
    text: &'b str,
    lookup: &impl Fn(&str) -> Option<&'a str>,
) -> (&'b str, usize) {
    if text.starts_with("$$") {
        return ("$", 2);
    }
    let name = text
        .strip_prefix("$(")
        .and_then(|rest| rest.split_once(')'))
        .map(|(name, _)| name);
    match name {
        Some(name) => {
            let length = name.len() + "$()".len();
            (lookup(name).unwrap_or(&text[..length]), length)
        }
        None => ("$", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_the_kubelet_does() {
        let lookup = |name: &str| match name {
            "A" => Some("1"),
            "B" => Some("$(A)"),
            "EMPTY" => Some(""),
            _ => None,
        };
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("$(A)", "1"),
            ("x$(A)y$(A)z", "x1y1z"),
            ("$(EMPTY)", ""),
            ("$(B)", "$(A)"),
            ("$(UNKNOWN)-$(A)", "$(UNKNOWN)-1"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$$$$(A)", "$$(A)"),
            ("$A", "$A"),
            ("cost$", "cost$"),
            ("$(A", "$(A"),
            ("$(labels['a'])", "$(labels['a'])"),
            ("$()", "$()"),
        ] {
            assert_eq!(expand(text, lookup), expected, "{text}");
        }
    }
}

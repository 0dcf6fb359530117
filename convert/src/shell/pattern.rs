//! Patterns of the shell: `*`, `?` and literal text.

/// Returns whether the whole text matches.
pub(super) fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) =
        (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut in_pattern) = (0, 0);
    // Where to go on if what follows the last `*` does not match.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(in_pattern) {
            None if at == text.len() => return true,
            Some('*') => {
                retry = Some((at, in_pattern));
                in_pattern += 1;
                continue;
            }
            Some(expected) if at < text.len() && (*expected == '?' || *expected == text[at]) => {
                at += 1;
                in_pattern += 1;
                continue;
            }
            _ => {}
        }
        match retry {
            Some((start, star)) if start < text.len() => {
                retry = Some((start + 1, star));
                at = start + 1;
                in_pattern = star + 1;
            }
            _ => return false,
        }
    }
}

/// Returns the text without the shortest or longest prefix that matches.
pub(super) fn without_prefix<'t>(text: &'t str, pattern: &str, longest: bool) -> &'t str {
    let mut ends = boundaries(text);
    if longest {
        ends.reverse();
    }
    let end = ends.into_iter().find(|end| matches(&text[..*end], pattern));
    &text[end.unwrap_or(0)..]
}

/// Returns the text without the shortest or longest suffix that matches.
pub(super) fn without_suffix<'t>(text: &'t str, pattern: &str, longest: bool) -> &'t str {
    let mut starts = boundaries(text);
    if !longest {
        starts.reverse();
    }
    let start = starts
        .into_iter()
        .find(|start| matches(&text[*start..], pattern));
    &text[..start.unwrap_or(text.len())]
}

fn boundaries(text: &str) -> Vec<usize> {
    let starts = text.char_indices().map(|(index, _)| index);
    starts.chain([text.len()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text() {
        for (text, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "a*", true),
            ("abc", "*c", true),
            ("abc", "*b*", true),
            ("abc", "a?c", true),
            ("", "*", true),
            ("abab", "*ab", true),
            ("abab", "*a", false),
        ] {
            assert_eq!(matches(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn an_affix_is_cut_off() {
        assert_eq!(without_suffix("db:54:32", ":*", false), "db:54");
        assert_eq!(without_suffix("db:54:32", ":*", true), "db");
        assert_eq!(without_prefix("db:54:32", "*:", false), "54:32");
        assert_eq!(without_prefix("db:54:32", "*:", true), "32");
        assert_eq!(without_prefix("db", "*:", true), "db");
    }
}

//! Patterns of the shell: `*`, `?`, `[...]` and literal text.

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
            Some(_) if at < text.len() => {
                if let Some(length) = one(text[at], &pattern[in_pattern..]) {
                    at += 1;
                    in_pattern += length;
                    continue;
                }
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

/// Returns how much of a pattern a character matches, if it does: a character, `?`, or `[...]`.
fn one(character: char, pattern: &[char]) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', set @ ..] => match Set::read(set) {
            Some(set) => set.has(character).then_some(set.length + 1),
            None => (character == '[').then_some(1),
        },
        [expected, ..] => (*expected == character).then_some(1),
        [] => None,
    }
}

/// What stands in brackets: `0-9ab`.
struct Set {
    ranges: Vec<(char, char)>,
    is_negated: bool,
    /// With the bracket that closes it.
    length: usize,
}

impl Set {
    fn read(pattern: &[char]) -> Option<Self> {
        let is_negated = matches!(pattern.first(), Some('!' | '^'));
        let start = usize::from(is_negated);
        let mut ranges = Vec::new();
        let mut at = start;
        loop {
            match &pattern[at..] {
                [']', ..] if at > start => {
                    return Some(Self {
                        ranges,
                        is_negated,
                        length: at + 1,
                    });
                }
                [first, '-', last, ..] if *last != ']' => {
                    ranges.push((*first, *last));
                    at += 3;
                }
                [character, ..] => {
                    ranges.push((*character, *character));
                    at += 1;
                }
                [] => return None,
            }
        }
    }

    fn has(&self, character: char) -> bool {
        let mut ranges = self.ranges.iter();
        let is_in = |(first, last): &(char, char)| (*first..=*last).contains(&character);
        ranges.any(is_in) != self.is_negated
    }
}

/// Returns the text with the longest match at each place replaced, or only the first.
pub(super) fn replace(text: &str, pattern: &str, (with, everywhere): (&str, bool)) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut ends = boundaries(rest);
        ends.reverse();
        let end = ends
            .into_iter()
            .find(|end| *end > 0 && matches(&rest[..*end], pattern));
        let Some(end) = end else {
            replaced.push(character);
            rest = &rest[character.len_utf8()..];
            continue;
        };
        replaced.push_str(with);
        rest = &rest[end..];
        if !everywhere {
            break;
        }
    }
    replaced + rest
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
            ("204", "2[0-9][0-9]", true),
            ("404", "[23]??", false),
            ("54x", "*[!0-9]*", true),
            ("543", "*[!0-9]*", false),
            ("[", "[", true),
        ] {
            assert_eq!(matches(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn a_match_is_replaced() {
        assert_eq!(replace("a,b,c", ",", (" ", true)), "a b c");
        assert_eq!(replace("a,b,c", ",", (" ", false)), "a b,c");
        assert_eq!(replace("tcp://db:1", "*//", ("", true)), "db:1");
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

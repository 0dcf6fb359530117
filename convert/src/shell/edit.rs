//! Programs that change a text that is known: `cut`, `tr`, `sed`, `awk`, `head`.

use super::regex;

/// Returns what a program prints of its input, if the call is understood.
pub(super) fn changed(name: &str, words: &[&str], input: &str) -> Option<String> {
    match name {
        "awk" | "gawk" => awk(words, input),
        "cut" => cut(words, input),
        "head" => head(words, input),
        "sed" => sed(words, input),
        "tr" => tr(words, input),
        _ => None,
    }
}

/// Returns what `cut -d X -f N` prints.
fn cut(words: &[&str], input: &str) -> Option<String> {
    let mut options = words.iter();
    let (mut delimiter, mut field) = (None, None);
    while let Some(option) = options.next() {
        let (flag, value) = option.split_at_checked(2)?;
        let value = if value.is_empty() {
            options.next()?
        } else {
            value
        };
        match flag {
            "-d" => delimiter = Some(value),
            "-f" => field = value.parse::<usize>().ok(),
            _ => return None,
        }
    }
    let (delimiter, index) = (delimiter?, field?.checked_sub(1)?);
    let lines = input.lines().map(|line| {
        if line.contains(delimiter) {
            line.split(delimiter).nth(index).unwrap_or_default()
        } else {
            line
        }
    });
    let lines: Vec<_> = lines.collect();
    Some(lines.join("\n") + "\n")
}

/// Returns what `tr FROM TO` or `tr -d FROM` prints.
fn tr(words: &[&str], input: &str) -> Option<String> {
    match words {
        ["-d", from] => {
            let from = set(from)?;
            Some(input.chars().filter(|c| !from.contains(c)).collect())
        }
        [from, to] if !from.starts_with('-') => {
            let (from, to) = (set(from)?, set(to)?);
            let last = to.last()?;
            let change = |c| match from.iter().position(|it| *it == c) {
                Some(index) => *to.get(index).unwrap_or(last),
                None => c,
            };
            Some(input.chars().map(change).collect())
        }
        _ => None,
    }
}

/// Reads a set of characters, such as `,;` or `a-z`.
fn set(text: &str) -> Option<Vec<char>> {
    if text.contains("[:") {
        return None;
    }
    let mut characters = Vec::new();
    let text: Vec<char> = unescaped(text).chars().collect();
    let mut at = 0;
    while let Some(character) = text.get(at) {
        if let Some(['-', last]) = text.get(at + 1..at + 3) {
            characters.extend(*character..=*last);
            at += 3;
        } else {
            characters.push(*character);
            at += 1;
        }
    }
    Some(characters)
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\\\", "\\")
}

/// Returns what `sed 's/PATTERN/TEXT/'` prints; there may be several.
fn sed(words: &[&str], input: &str) -> Option<String> {
    let mut scripts = Vec::new();
    let mut is_extended = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-e" => scripts.push(*words.next()?),
            "-E" | "-r" => is_extended = true,
            option if option.starts_with('-') => return None,
            script => scripts.push(script),
        }
    }
    let commands = scripts.iter().flat_map(|script| script.split(';'));
    let commands: Option<Vec<_>> = commands
        .map(|command| Substitution::read(command.trim(), is_extended))
        .collect();
    let commands = commands?;
    let lines = input.lines().map(|line| {
        let apply = |line: String, command: &Substitution| command.apply(&line);
        commands.iter().fold(line.to_owned(), apply)
    });
    let lines: Vec<_> = lines.collect();
    Some(lines.join("\n") + "\n")
}

/// One `s/PATTERN/TEXT/`.
struct Substitution {
    pattern: ::regex::Regex,
    with: String,
    everywhere: bool,
}

impl Substitution {
    fn read(command: &str, is_extended: bool) -> Option<Self> {
        let rest = command.strip_prefix('s')?;
        let delimiter = rest.chars().next()?;
        let mut parts = rest[delimiter.len_utf8()..].split(delimiter);
        let (pattern, with, flags) = (parts.next()?, parts.next()?, parts.next()?);
        // A delimiter with a backslash would be one part too many.
        if parts.next().is_some() || !matches!(flags, "" | "g") {
            return None;
        }
        let pattern = if is_extended {
            pattern.to_owned()
        } else {
            regex::of_basic(pattern)
        };
        Some(Self {
            pattern: regex::compile(&pattern, false)?,
            with: replacement(with),
            everywhere: flags == "g",
        })
    }

    fn apply(&self, line: &str) -> String {
        let count = usize::from(!self.everywhere);
        let with = self.with.as_str();
        self.pattern.replacen(line, count, with).into_owned()
    }
}

/// Returns a replacement of `sed` in the notation of the crate.
fn replacement(text: &str) -> String {
    let mut replacement = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '$' => replacement.push_str("$$"),
            '&' => replacement.push_str("${0}"),
            '\\' => match characters.next() {
                Some(group @ '0'..='9') => replacement.extend(['$', '{', group, '}']),
                Some(other) => replacement.push(other),
                None => {}
            },
            other => replacement.push(other),
        }
    }
    replacement
}

/// Returns what `awk -F SEPARATOR '{print $N}'` prints.
fn awk(words: &[&str], input: &str) -> Option<String> {
    let (separator, program) = match words {
        ["-F", separator, program] => (Some(*separator), *program),
        [option, program] => (Some(option.strip_prefix("-F")?), *program),
        [program] => (None, *program),
        _ => return None,
    };
    let program = program.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let field = program.strip_prefix("print")?.trim().trim_end_matches(';');
    let index = field.trim().strip_prefix('$')?.parse::<usize>().ok()?;
    let index = index.checked_sub(1)?;
    let lines: Option<Vec<_>> = input
        .lines()
        .map(|line| {
            let fields: Vec<_> = match separator {
                None | Some(" ") => line.split_whitespace().collect(),
                Some(one) if one.chars().count() == 1 => line.split(one).collect(),
                Some(pattern) => regex::compile(pattern, false)?.split(line).collect(),
            };
            Some(fields.get(index).copied().unwrap_or_default().to_owned())
        })
        .collect();
    Some(lines?.join("\n") + "\n")
}

/// Returns what `head -n N` prints.
fn head(words: &[&str], input: &str) -> Option<String> {
    let count = match words {
        [] => "10",
        ["-n", count] => count,
        [option] => option.strip_prefix("-n").or(option.strip_prefix('-'))?,
        _ => return None,
    };
    let lines: Vec<_> = input.lines().take(count.parse().ok()?).collect();
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_takes_one_field() {
        assert_eq!(cut(&["-d:", "-f1"], "db:5432\n").as_deref(), Some("db\n"));
        assert_eq!(
            cut(&["-d", ":", "-f", "2"], "db:5432").as_deref(),
            Some("5432\n")
        );
        assert_eq!(cut(&["-c1-3"], "db"), None);
    }

    #[test]
    fn a_known_text_is_changed() {
        let url = "postgres://me:x@db:5432/app";
        let cases: [(&str, &[&str], &str, &str); 9] = [
            ("tr", &[",", " "], "a,b", "a b"),
            ("tr", &["-d", "\\n"], "a\n", "a"),
            ("tr", &["a-z", "A-Z"], "db", "DB"),
            (
                "sed",
                &["-e", "s|^.*@||", "-e", "s|/.*||"],
                url,
                "db:5432\n",
            ),
            ("sed", &["-E", "s#.*@([^:/]+).*#\\1#"], url, "db\n"),
            ("sed", &["s/,/ /g"], "a,b,c", "a b c\n"),
            ("awk", &["-F[@/:]", "{print $6}"], url, "db\n"),
            ("awk", &["{ print $2 }"], "a  b", "b\n"),
            ("head", &["-1"], "a\nb", "a\n"),
        ];
        for (name, words, input, expected) in cases {
            let found = changed(name, words, input);
            assert_eq!(found.as_deref(), Some(expected), "{name} {words:?}");
        }
    }

    #[test]
    fn a_call_that_is_not_understood_has_no_result() {
        let cases: [(&str, &[&str]); 4] = [
            ("sed", &["-n", "s/a/b/p"]),
            ("sed", &["1d"]),
            ("awk", &["/x/ {print $1}"]),
            ("tr", &["[:lower:]", "[:upper:]"]),
        ];
        for (name, words) in cases {
            assert_eq!(changed(name, words, "a"), None, "{name} {words:?}");
        }
    }
}

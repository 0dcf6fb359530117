//! Times as tools write them.

use oncue_language::Timeout;

/// Returns a time as a term writes it, in whole seconds.
pub(crate) fn timeout(millis: u64) -> Timeout {
    let seconds = millis.div_ceil(1000);
    Timeout::from_secs(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// Returns what `sleep` and `timeout` wait for, in milliseconds: `5`, `0.5`, `2m`.
pub(crate) fn of_sleep(text: &str) -> Option<u64> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1000.0),
        (at, 'm') => (&text[..at], 60_000.0),
        (at, 'h') => (&text[..at], 3_600_000.0),
        (at, 'd') => (&text[..at], 86_400_000.0),
        _ => (text, 1000.0),
    };
    millis(number.parse().ok()?, unit)
}

/// Returns a duration of Go, in milliseconds: `1m30s`, `500ms`, `0`.
pub(crate) fn of_go(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut sum = 0u64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit = match unit {
            "ms" => 1.0,
            "s" => 1000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            _ => return None,
        };
        sum = sum.checked_add(millis(number.parse().ok()?, unit)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
fn millis(number: f64, unit: f64) -> Option<u64> {
    let millis = number * unit;
    (0.0..=1e15).contains(&millis).then_some(millis as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_knows_four_units() {
        for (text, expected) in [
            ("5", Some(5000)),
            ("0.5", Some(500)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("x", None),
            ("", None),
            ("-1", None),
        ] {
            assert_eq!(of_sleep(text), expected, "{text}");
        }
    }

    #[test]
    fn go_adds_its_units() {
        for (text, expected) in [
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("0", Some(0)),
            ("5", None),
            ("", None),
            ("1y", None),
        ] {
            assert_eq!(of_go(text), expected, "{text}");
        }
    }
}

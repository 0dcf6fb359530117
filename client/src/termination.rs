//! The termination message: what `kubectl describe` shows of a container that ended.

use std::{fs::OpenOptions, io::Write};

use oncue_language::escape::Escaped;

use crate::environment::Environment;

/// The most that the kubelet keeps.
const MAX_BYTES: usize = 4096;

/// Where the kubelet looks by default.
const DEFAULT_PATH: &str = "/dev/termination-log";

/// Writes the message to the kubelet's file, if it exists.
pub(crate) fn write(message: &str, environment: &Environment) {
    let configured = environment.non_empty("ONCUE_TERMINATION_LOG");
    let mut options = OpenOptions::new();
    options
        .write(true)
        .truncate(true)
        .create(configured.is_some());
    let path = configured.unwrap_or(DEFAULT_PATH);
    if let Ok(mut file) = options.open(path) {
        let message = Escaped(message).to_string();
        let _ = file.write_all(shortened(&message).as_bytes());
    }
}

/// Cuts at the end of a character.
fn shortened(message: &str) -> &str {
    &message[..message.floor_char_boundary(MAX_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fits_and_is_cut_between_characters() {
        let long = "é".repeat(MAX_BYTES);
        assert_eq!(shortened(&long).len(), MAX_BYTES);
        let odd = format!("x{long}");
        assert_eq!(shortened(&odd).len(), MAX_BYTES - 1);
        assert_eq!(shortened("short"), "short");
    }
}

//! Where a command reads and writes.

use super::{
    machine::{Machine, Stop, refuse},
    syntax::{Destination, Redirect},
};
use crate::{check::Check, surroundings::Dialect, text::Text};

impl Machine<'_> {
    /// Opens what a command reads and writes; returns false if it cannot be opened.
    pub(super) fn redirect(&mut self, redirects: &[Redirect]) -> Result<bool, Stop> {
        for redirect in redirects {
            if !self.open(redirect)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open(&mut self, redirect: &Redirect) -> Result<bool, Stop> {
        let is_output = matches!(redirect.descriptor, None | Some(1));
        match &redirect.to {
            Destination::Descriptor(word) => {
                let to = self.expand_one(word)?;
                if is_output && to.as_known() != Some("1") {
                    self.sinks.push(Vec::new());
                }
                Ok(true)
            }
            Destination::Here(word) => {
                self.input = Some(self.expand_one(word)?);
                Ok(true)
            }
            Destination::From(word) => {
                let file = self.expand_one(word)?;
                if let Some(check) = self.connection(word, &file) {
                    return self.ask(check);
                }
                self.input = Some(match file.as_known() {
                    Some("/dev/null") => Text::known(""),
                    _ => Text::unknown(format!("reads the file {file}")),
                });
                Ok(true)
            }
            Destination::ToBoth(_) if self.is_dash() => {
                // There it starts the command in the background, and goes on at once.
                refuse("uses `&>`, which the shell of this image does not have")
            }
            Destination::To(word) | Destination::ToBoth(word) => {
                let file = self.expand_one(word)?;
                if let Some(check) = self.connection(word, &file) {
                    return self.ask(check);
                }
                self.write_file(&file)?;
                if is_output && file.as_known() != Some("/dev/stdout") {
                    self.sinks.push(Vec::new());
                }
                Ok(true)
            }
        }
    }

    fn is_dash(&self) -> bool {
        self.dialect == Dialect::Posix && self.surroundings.image.has_dash()
    }

    /// Returns an error if writing this file has an effect beyond the container.
    pub(crate) fn write_file(&self, file: &Text) -> Result<(), Stop> {
        let path = match file.get() {
            Ok(path) => path,
            Err(reason) => return refuse(format!("writes a file: it {reason}")),
        };
        let is_device = path.starts_with("/dev/") || path.starts_with("/proc/");
        if is_device || path.starts_with('/') && !self.surroundings.is_on_volume(path) {
            return Ok(());
        }
        refuse(format!("writes the file {path}"))
    }

    /// Returns the check that the shell makes when it opens `/dev/tcp/HOST/PORT`.
    fn connection(&self, word: &super::syntax::Word, file: &Text) -> Option<Check> {
        use super::syntax::Piece;
        let begins = |text: &str| text.starts_with("/dev/tcp/");
        let is_connection = match file {
            Text::Known(path) => begins(path),
            _ => word
                .iter()
                .any(|piece| matches!(piece, Piece::Text { text, .. } if begins(text))),
        };
        if !is_connection {
            return None;
        }
        let has_busybox = self.surroundings.image.has_busybox();
        if self.is_dash() || self.dialect == Dialect::Posix && has_busybox {
            let reason = "opens /dev/tcp, which the shell of this image does not have";
            return Some(Check::opaque(reason));
        }
        Some(match file {
            Text::Known(path) => {
                let address = path.trim_start_matches("/dev/tcp/");
                let (host, port) = address.split_once('/').unwrap_or((address, ""));
                Check::tcp(&Text::known(host), &Text::known(port))
            }
            Text::Unknown(reason) => Check::opaque(reason.as_str()),
            Text::Answer(_) => Check::opaque("connects to what a command prints"),
        })
    }
}

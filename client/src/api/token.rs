//! The token that tells a store who asks.

use std::{fs::File, io::Read, path::PathBuf};

use thiserror::Error;
use ureq::http::HeaderValue;

/// Longest token file that is read. A token of a service account has about 1 KB.
const MAX_BYTES: usize = 16 << 10;

/// Gives the token for each request anew, because tokens are renewed.
pub trait Tokens: Send + Sync {
    /// Returns the present token.
    ///
    /// # Errors
    /// [`TokenError`] if there is none.
    fn token(&self) -> Result<Token, TokenError>;
}

/// A token, as the header `Authorization` carries it. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct Token(HeaderValue);

impl Token {
    /// Returns the token `text`; `None` if no token looks like this.
    pub fn new(text: &str) -> Option<Self> {
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut header = HeaderValue::try_from(format!("Bearer {text}")).ok()?;
        header.set_sensitive(true);
        is_token.then_some(Self(header))
    }

    pub(super) fn header(self) -> HeaderValue {
        self.0
    }
}

/// A file that the kubelet, or a person, keeps up to date.
#[derive(Clone, Debug)]
pub(super) struct TokenFile(pub(super) PathBuf);

impl Tokens for TokenFile {
    fn token(&self) -> Result<Token, TokenError> {
        let path = || self.0.display().to_string();
        let mut bytes = Vec::new();
        File::open(&self.0)
            .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| TokenError::Read {
                path: path(),
                reason: error.to_string(),
            })?;
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return Err(TokenError::Empty { path: path() });
        }
        let token = str::from_utf8(bytes)
            .ok()
            .filter(|it| it.len() <= MAX_BYTES);
        let token = token.and_then(Token::new);
        token.ok_or_else(|| TokenError::Malformed { path: path() })
    }
}

/// Why there is no token. No message shows the content of a file.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum TokenError {
    /// The file is empty.
    #[error("the token file {path} is empty")]
    Empty {
        /// The file.
        path: String,
    },
    /// The content of the file is no token.
    #[error(
        "the token file {path} holds no token: a token is one line of visible ASCII characters"
    )]
    Malformed {
        /// The file.
        path: String,
    },
    /// The file cannot be read.
    #[error("failed to read the token file {path}: {reason}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The issuer refused to give a token, or did not answer.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_read_anew_and_may_end_with_a_line_break() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let file = TokenFile(path.clone());
        for token in ["first.x-y_z", "second"] {
            fs::write(&path, format!("{token}\n")).unwrap();
            let header = file.token().unwrap().header();
            assert_eq!(header.to_str().unwrap(), format!("Bearer {token}"));
        }
    }

    #[test]
    fn what_is_no_token_is_named_by_its_file_and_never_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let file = TokenFile(path.clone());
        let error = file.token().unwrap_err().to_string();
        assert!(error.contains("failed to read the token file /"), "{error}");
        let long = "secret".repeat(200_000);
        for (content, expected) in [
            (&b" \n"[..], "is empty"),
            (b"sec\0ret", "holds no token"),
            (b"sec ret", "holds no token"),
            (b"sec\nret", "holds no token"),
            (b"secret\xff", "holds no token"),
            (long.as_bytes(), "holds no token"),
        ] {
            fs::write(&path, content).unwrap();
            let error = file.token().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            assert!(!error.contains("sec"), "{error}");
            assert!(error.len() < 250, "{error}");
        }
    }

    #[test]
    fn debug_hides_a_token() {
        let shown = format!("{:?}", Token::new("secret").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }
}

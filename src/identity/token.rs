//! A token in a request: never printed.

use std::fmt;

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

use super::AUDIENCE;

/// The token of a service account, as a request carries it.
///
/// Whoever has it can call in its owner's name, so that nothing prints it.
#[derive(Clone, Eq, PartialEq)]
pub struct Token(Box<str>);

impl Token {
    /// Returns the token of a request; `None` if it has none.
    ///
    /// # Errors
    /// [`TokenError`] if what the request has there is no token.
    pub fn of_headers(headers: &HeaderMap) -> Result<Option<Self>, TokenError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Self::of_header(value).map(Some),
            (Some(_), Some(_)) => Err(TokenError::Several),
        }
    }

    fn of_header(value: &HeaderValue) -> Result<Self, TokenError> {
        let text = value.to_str().map_err(|_| TokenError::NotText)?;
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::NotBearer);
        }
        token.trim_ascii().parse()
    }

    /// Returns the text, for the API server alone.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the part that says what the token is about, in base64.
    pub(super) fn payload(&self) -> &str {
        let payload = self.0.split('.').nth(1);
        payload.unwrap_or_default()
    }
}

impl std::str::FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let is_base64url = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_base64url);
        if text.split('.').count() == 3 && text.split('.').all(is_part) {
            Ok(Self(text.into()))
        } else {
            Err(TokenError::NotJwt)
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// Several times as long as any token that Kubernetes makes for a pod.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Why a token does not tell who calls.
#[derive(Clone, Debug, Eq, PartialEq, strum::IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum TokenError {
    /// Nothing follows the scheme.
    #[error("the Authorization header has no token after Bearer")]
    Empty,
    /// It has expired.
    #[error("the token has expired: send a new one (the kubelet renews that of a pod in its file)")]
    Expired,
    /// Another scheme.
    #[error("the Authorization header is not of the form: Bearer TOKEN")]
    NotBearer,
    /// Not a token of Kubernetes.
    #[error("the token is not a JWT (three parts in base64url with dots between them)")]
    NotJwt,
    /// Bytes that no header may have.
    #[error("the Authorization header holds characters that no token has")]
    NotText,
    /// A token for someone else.
    #[error("the token is not meant for the store: request one of the audience {AUDIENCE}")]
    OtherAudience,
    /// The API server does not accept it.
    #[error(
        "the API server does not accept the token: its pod or account is gone, or the token is not \
         of this cluster"
    )]
    Refused,
    /// More than one.
    #[error("the request has several Authorization headers: send one")]
    Several,
    /// More bytes than any token has.
    #[error("the token has more than {MAX_TOKEN_BYTES} bytes: no token of Kubernetes is so long")]
    TooLong,
}

impl TokenError {
    /// Returns the reason as one word, for metrics and logs.
    pub fn label(&self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<Token>, TokenError> {
        let mut headers = HeaderMap::new();
        for value in values {
            // What a client sends may hold bytes that the safe constructors refuse.
            let value = HeaderValue::from_bytes(value).map_err(|_| TokenError::NotText)?;
            headers.append(AUTHORIZATION, value);
        }
        Token::of_headers(&headers)
    }

    #[test]
    fn reads_one_bearer_token() {
        assert_eq!(read(&[]), Ok(None));
        for header in ["Bearer a.b-_.c9", "bearer a.b-_.c9", "BEARER   a.b-_.c9 "] {
            let token = read(&[header.as_bytes()]).unwrap().unwrap();
            assert_eq!((token.reveal(), token.payload()), ("a.b-_.c9", "b-_"));
        }
    }

    #[test]
    fn says_in_one_line_what_is_no_token() {
        let long = format!("Bearer {}.b.c", "a".repeat(1 << 20));
        for (values, error) in [
            (&[&b"Bearer a.b"[..]][..], TokenError::NotJwt),
            (&[b"Bearer a.b.c.d"], TokenError::NotJwt),
            (&[b"Bearer a..c"], TokenError::NotJwt),
            (&[b"Bearer a.b c.d"], TokenError::NotJwt),
            (&[b"Bearer a.b.c\0"], TokenError::NotText),
            (&[b"Bearer a.b.\xff"], TokenError::NotText),
            (&[b"Bearer"], TokenError::Empty),
            (&[b"Bearer "], TokenError::Empty),
            (&[b"Basic dTpw"], TokenError::NotBearer),
            (&[b""], TokenError::NotBearer),
            (&[b"Bearer a.b.c", b"Bearer a.b.c"], TokenError::Several),
            (&[long.as_bytes()], TokenError::TooLong),
        ] {
            let refused = read(values).unwrap_err();
            assert_eq!(refused, error);
            let text = refused.to_string();
            assert!(text.len() < 160 && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_token() {
        let token: Token = "aaa.bbb.ccc".parse().unwrap();
        let printed = format!("{token:?} {:#?}", Some(&token));
        for part in ["aaa", "bbb", "ccc"] {
            assert!(!printed.contains(part), "{printed}");
        }
    }
}

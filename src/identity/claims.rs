//! What a token says of itself. Nobody has checked it: it serves to refuse what the API server
//! would refuse, and to end what it accepted, never to accept anything.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{AUDIENCE, Token, TokenError};
use crate::language::Timestamp;

/// What a token says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    /// When it expires, in seconds since 1970.
    exp: u64,
    /// Whom it is meant for.
    #[serde(default)]
    aud: Audiences,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Several(Vec<String>),
}

impl Default for Audiences {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Claims {
    /// Reads them out of a token.
    ///
    /// # Errors
    /// [`TokenError::NotJwt`] if there are none, or none that the tokens of Kubernetes have.
    pub(super) fn of(token: &Token) -> Result<Self, TokenError> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(token.payload());
        let json = json.map_err(|_| TokenError::NotJwt)?;
        serde_json::from_slice(&json).map_err(|_| TokenError::NotJwt)
    }

    /// Returns when the token expires.
    pub(super) fn expires(&self) -> Timestamp {
        Timestamp::from_millis(self.exp.saturating_mul(1_000))
    }

    /// Checks that the token can be valid at `now`.
    ///
    /// # Errors
    /// [`TokenError::Expired`], [`TokenError::OtherAudience`].
    pub(super) fn check(&self, now: Timestamp) -> Result<(), TokenError> {
        let is_meant = match &self.aud {
            Audiences::One(audience) => audience == AUDIENCE,
            Audiences::Several(audiences) => audiences.iter().any(|it| it == AUDIENCE),
        };
        if !is_meant {
            return Err(TokenError::OtherAudience);
        }
        if self.expires() <= now {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::fake::mk_token;

    fn check(claims: &str, now_seconds: u64) -> Result<(), TokenError> {
        let token: Token = mk_token(claims).parse()?;
        Claims::of(&token)?.check(Timestamp::from_millis(now_seconds * 1_000))
    }

    #[test]
    fn refuses_what_the_api_server_would_refuse() {
        for (claims, now, expected) in [
            (r#"{"aud":["oncue"],"exp":100}"#, 99, Ok(())),
            (r#"{"aud":"oncue","exp":100}"#, 99, Ok(())),
            (r#"{"aud":["a","oncue"],"exp":100,"sub":"x"}"#, 99, Ok(())),
            (
                r#"{"aud":["oncue"],"exp":100}"#,
                100,
                Err(TokenError::Expired),
            ),
            (
                r#"{"aud":["api"],"exp":100}"#,
                99,
                Err(TokenError::OtherAudience),
            ),
            (r#"{"exp":100}"#, 99, Err(TokenError::OtherAudience)),
            (r#"{"aud":["oncue"]}"#, 99, Err(TokenError::NotJwt)),
            (r#"{"aud":["oncue"],"exp":-1}"#, 99, Err(TokenError::NotJwt)),
            ("[]", 99, Err(TokenError::NotJwt)),
            ("", 99, Err(TokenError::NotJwt)),
        ] {
            assert_eq!(check(claims, now), expected, "{claims}");
        }
        let latest = format!(r#"{{"aud":["oncue"],"exp":{}}}"#, u64::MAX);
        assert_eq!(check(&latest, 99), Ok(()));
    }
}

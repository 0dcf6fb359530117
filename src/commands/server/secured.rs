//! A store in a cluster that speaks TLS and asks for the token of an operator.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use oncue_client::api::{Api, Endpoint, Token, TokenError, Tokens};

use super::Credentials;
use crate::{cluster::Secured, commands::cluster::Cluster};

/// Returns the client of a store, to which a tunnel leads from `address`. It verifies the name in the
/// store's certificate. What is not among the `credentials` is of the cluster.
pub(super) fn open(
    cluster: &Cluster,
    (needs, address): (&Secured, SocketAddr),
    credentials: Credentials,
) -> anyhow::Result<Api> {
    let Credentials { ca, token_file } = credentials;
    let ca = match ca {
        Some(ca) => ca,
        None => cluster
            .published_ca()
            .context("the store cannot be verified; --ca-file can name a file with its CA")?,
    };
    let has_token = token_file.is_some();
    let endpoint = Endpoint {
        ca: Some(ca),
        token_file,
        ..endpoint(needs, address)?
    };
    let api = super::open(&endpoint)?;
    if has_token {
        return Ok(api);
    }
    let operator = needs.operator.as_deref().context(
        "the store's arguments name no account of its operators: --operator is missing; \
         --token-file can name a file with a token",
    )?;
    let account = cluster.account(operator.parse()?);
    let cluster = cluster.clone();
    let request = move || {
        let token = cluster.operator_token(&account);
        token.map_err(|error| error.to_string())
    };
    Ok(api.with_tokens(Arc::new(OperatorTokens::new(request))))
}

fn endpoint(needs: &Secured, address: SocketAddr) -> anyhow::Result<Endpoint> {
    let name = needs.name.as_deref();
    let name = name.context("the store's arguments do not name it: --store-name is missing")?;
    let url = format!("https://{name}:{}", address.port());
    Ok(Endpoint {
        address: Some(address.ip()),
        ..Endpoint::new(url.parse()?)
    })
}

/// Tokens that are requested one after the other, because each lasts ten minutes.
struct OperatorTokens<R> {
    request: R,
    /// The last token, and when it was requested.
    last: Mutex<Option<(SystemTime, Token)>>,
}

impl<R: Fn() -> Result<String, String>> OperatorTokens<R> {
    fn new(request: R) -> Self {
        Self {
            request,
            last: Mutex::default(),
        }
    }

    fn at(&self, now: SystemTime) -> Result<Token, TokenError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, token)) = &*last
            && now.duration_since(*at).is_ok_and(|age| age < USED_FOR)
        {
            return Ok(token.clone());
        }
        let refused = |reason| TokenError::Refused { reason };
        let text = (self.request)().map_err(refused)?;
        let malformed = || refused("the API server issued something that is no token".to_owned());
        let token = Token::new(&text).ok_or_else(malformed)?;
        *last = Some((now, token.clone()));
        Ok(token)
    }
}

impl<R: Fn() -> Result<String, String> + Send + Sync> Tokens for OperatorTokens<R> {
    fn token(&self) -> Result<Token, TokenError> {
        self.at(SystemTime::now())
    }
}

/// How long a token is used.
const USED_FOR: Duration = Duration::from_mins(8);

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_token_is_used_until_it_is_about_to_end() {
        let answers = ["first", "second", "no\ttoken"].map(|it| Ok(it.to_owned()));
        let refused = Err("you are not an operator".to_owned());
        let answers = RefCell::new(answers.into_iter().chain([refused]));
        let tokens = OperatorTokens::new(|| answers.borrow_mut().next().unwrap());
        let at = |minutes| tokens.at(SystemTime::UNIX_EPOCH + Duration::from_mins(minutes));
        for minute in [10, 17] {
            at(minute).unwrap();
        }
        assert_eq!(answers.borrow().clone().count(), 3, "one was requested");
        at(18).unwrap();
        // The clock was set back.
        assert!(at(9).unwrap_err().to_string().contains("is no token"));
        let error = at(30).unwrap_err().to_string();
        assert_eq!(error, "you are not an operator");
    }

    #[test]
    fn the_store_is_verified_by_its_name_at_the_near_end_of_the_tunnel() {
        let needs = |name: Option<&str>| Secured {
            name: name.map(str::to_owned),
            operator: None,
        };
        let address = "127.0.0.1:40123".parse().unwrap();
        let endpoint = |name| endpoint(&needs(name), address);
        let named = endpoint(Some("oncue-store.oncue-system.svc")).unwrap();
        let url = "https://oncue-store.oncue-system.svc:40123";
        assert_eq!(named.url.as_str(), url);
        assert_eq!(named.address, Some(address.ip()));
        let error = endpoint(None).unwrap_err().to_string();
        assert!(error.contains("--store-name"), "{error}");
    }
}

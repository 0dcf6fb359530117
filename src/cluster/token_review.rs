//! Asks the API server whose token it is.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use kube::{Api, Client, api::PostParams};

use super::{ApiError, call::call_within};

/// Returns what the API server says of a token that is meant for `audience`.
pub(crate) async fn review_token(
    client: &Client,
    (token, audience): (&str, &str),
) -> Result<TokenReviewStatus, ApiError> {
    let review = TokenReview {
        spec: TokenReviewSpec {
            audiences: Some(vec![audience.to_owned()]),
            token: Some(token.to_owned()),
        },
        ..TokenReview::default()
    };
    let api: Api<TokenReview> = Api::all(client.clone());
    let created = call_within(DEADLINE, api.create(&PostParams::default(), &review)).await?;
    Ok(created.status.unwrap_or_default())
}

/// How long the API server may take: the marker of a pod gives up sooner.
const DEADLINE: Duration = Duration::from_secs(5);

//! The host that a request names.

use axum::response::Response;
use http::{Request, Version, header::HOST};
use oncue_wire::{Problem, ProblemCode};

use super::problem;

/// Returns the refusal of a request that names no host although HTTP/1.1 asks for one (RFC 9112,
/// section 3.2), or more than one: two readers could take it for two different requests.
pub(crate) fn refuse<B>(request: &Request<B>) -> Option<Response> {
    let count = request.headers().get_all(HOST).iter().count();
    let is_missing = count == 0 && request.version() == Version::HTTP_11;
    (is_missing || count > 1).then(|| {
        let detail = format!("a request has one Host header, and this one has {count}");
        let code = ProblemCode::InvalidHost;
        problem::respond(code, &Problem::new(code, detail))
    })
}

//! Problem documents (RFC 9457), the body of every answer that is an error.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A problem document.
///
/// The store writes the first four members always. RFC 9457 requires none of them, so that what
/// something between writes is read too.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// The kind of problem; none in a document of something else, or of a later store.
    #[serde(default, deserialize_with = "known_code", rename = "type")]
    pub code: Option<ProblemCode>,
    /// The kind in words.
    #[serde(default)]
    pub title: Cow<'static, str>,
    /// The status of the answer.
    #[serde(default)]
    pub status: u16,
    /// What happened this time.
    #[serde(default)]
    pub detail: String,
    /// The term that is wrong, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// The line of the body, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column of the term, or of the body's line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The rule that broke, with what would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The namespace whose limit is reached; none if it is a limit of the whole store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl Problem {
    /// Returns a problem of this kind, without saying where it is.
    pub fn new(code: ProblemCode, detail: String) -> Self {
        Self {
            code: Some(code),
            title: Cow::Borrowed(code.title()),
            status: code.status(),
            detail,
            ..Self::default()
        }
    }
}

fn known_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProblemCode>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// What the type of every problem of a store begins with.
const URN: &str = "urn:oncue:problem:";

/// Defines the codes with their statuses and titles.
macro_rules! problem_codes {
    ($($code:ident = $status:literal, $text:literal, $title:literal;)*) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum ProblemCode {
            $(#[doc = $title] $code,)*
        }

        impl ProblemCode {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// Returns the last part of the type's URN.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text,)* }
            }

            /// Returns the HTTP status of the answer.
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)* }
            }

            /// Returns the kind in words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)* }
            }
        }
    };
}

problem_codes! {
    BodyTooLarge = 413, "body-too-large", "The body is too large";
    BodyTooSlow = 408, "body-too-slow", "The body came too slowly";
    ChangeForbidden = 403, "change-forbidden", "The cluster does not let the store change this";
    ChangeNotShown = 504, "change-not-shown", "The change was stored, and is not visible here yet";
    ChangeRefused = 422, "change-refused", "The cluster does not accept the change";
    ClusterUnavailable = 503, "cluster-unavailable", "The cluster does not keep changes now";
    Forbidden = 403, "forbidden", "The caller may not do this";
    ForeignOwner = 422, "foreign-owner", "The owner is in another namespace";
    IdentityUnavailable = 503, "identity-unavailable", "The store cannot tell now who calls";
    InvalidBody = 400, "invalid-body", "The body is not valid";
    InvalidHost = 400, "invalid-host", "The request does not name one host";
    InvalidName = 400, "invalid-name", "The variable's name is not valid";
    InvalidNamespace = 400, "invalid-namespace", "The namespace is not valid";
    InvalidQuery = 400, "invalid-query", "The query is not valid";
    InvalidTerm = 400, "invalid-term", "A term is not valid";
    MemoryExhausted = 503, "memory-exhausted", "The store has no memory left for this";
    MethodNotAllowed = 405, "method-not-allowed", "The path does not have this method";
    NamespaceExhausted = 429, "namespace-exhausted", "The namespace has used up its share";
    NameOccupied = 409, "name-occupied", "Another object has the name";
    NamespaceTerminating = 409, "namespace-terminating", "The namespace is being deleted";
    NamespacesDiffer = 400, "namespaces-differ", "The request names two namespaces";
    NoSuchNamespace = 404, "no-such-namespace", "The namespace does not exist";
    NoSuchPath = 404, "no-such-path", "The path does not exist";
    NoSuchVariable = 404, "no-such-variable", "The variable does not exist";
    StorageFull = 507, "storage-full", "The store has no room for more";
    StoreFailed = 500, "store-failed", "The store failed";
    StoreStale = 503, "store-stale", "This replica of the store may miss changes";
    StoreUnavailable = 503, "store-unavailable", "The store is shutting down";
    TooManyTerms = 400, "too-many-terms", "The request has too many terms";
    TooManyWaiters = 503, "too-many-waiters", "Too many waiters are held";
    TooManyWatchers = 503, "too-many-watchers", "Too many watchers are served";
    TooManyTokens = 429, "too-many-tokens", "Too many tokens were not valid";
    Unauthorized = 401, "unauthorized", "The request does not prove who calls";
    UnjudgedTerm = 400, "unjudged-term", "The store does not judge this term";
}

/// Prints the type: a URN that ends with the code.
impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{URN}{}", self.as_str())
    }
}

impl FromStr for ProblemCode {
    type Err = UnknownProblem;

    fn from_str(text: &str) -> Result<Self, UnknownProblem> {
        let code = text.strip_prefix(URN).ok_or(UnknownProblem)?;
        let known = Self::ALL.iter().find(|known| known.as_str() == code);
        known.copied().ok_or(UnknownProblem)
    }
}

/// A type of problem that this version does not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownProblem;

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_it_is_written() {
        for code in ProblemCode::ALL {
            assert_eq!(code.to_string().parse(), Ok(*code));
        }
    }

    #[test]
    fn documents_of_others_are_read() {
        let none = Problem::default();
        for (text, detail) in [
            ("{}", ""),
            (r#"{"type":"about:blank","detail":"no"}"#, "no"),
            (r#"{"type":"urn:oncue:problem:of-tomorrow","new":1}"#, ""),
        ] {
            let problem: Problem = serde_json::from_str(text).unwrap();
            assert_eq!((problem.code, &*problem.detail), (none.code, detail));
        }
    }
}

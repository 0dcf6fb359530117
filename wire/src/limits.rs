//! How long documents may be.

/// The most bytes of a request's body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A page of a list ends with the item with which its documents come to so many bytes.
pub const MAX_PAGE_BYTES: usize = 128 * 1024;

/// How many assertions, or waiters, a page of a list has if the request does not say.
pub const DEFAULT_PAGE: usize = 500;

/// The most assertions, or waiters, that a request may ask for in one page.
pub const MAX_PAGE: usize = 1000;

//! The images that the tests' containers run: all are on the nodes, none is ever pulled.

/// A shell and the usual small tools.
pub const BUSYBOX: &str = "busybox:1.36";

/// A shell, and curl.
pub const CURL: &str = "oncue-e2e/curl:1";

/// An image without a shell, without a user and without a package: one static program,
/// `/oncue-client`.
pub const SCRATCH: &str = "oncue-e2e/scratch:1";

/// The images that are made for the tests alone.
pub(crate) const APPLICATIONS: [&str; 3] = [BUSYBOX, "busybox:latest", CURL];

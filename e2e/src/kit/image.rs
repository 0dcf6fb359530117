//! The images of the tests' containers. All are on the nodes, and none is pulled.

/// A shell and the usual small tools.
pub const BUSYBOX: &str = "busybox:1.36";

/// A shell, and curl.
pub const CURL: &str = "oncue-e2e/curl:1";

/// An image with one static program, `/oncue-client`, and no shell or user.
pub const SCRATCH: &str = "oncue-e2e/scratch:1";

/// The images that are built for the tests.
pub(crate) const APPLICATIONS: [&str; 3] = [BUSYBOX, "busybox:latest", CURL];

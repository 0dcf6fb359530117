//! What is written into certificates.

use std::time::Duration;

/// The names in the certificates that are made, and for how long they are valid.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Profile {
    /// The common name of the certificate authority. A renewal keeps the name of what it renews.
    pub authority_name: String,
    /// The common name of servers. Clients verify the alternative names instead.
    pub server_name: String,
    /// For how long a certificate of the authority is valid.
    pub authority_validity: Duration,
    /// For how long a server's certificate is valid.
    pub leaf_validity: Duration,
}

/// An authority of ten years, and leaves of seven days.
impl Default for Profile {
    fn default() -> Self {
        Self {
            authority_name: "webhook CA".to_owned(),
            server_name: "webhook".to_owned(),
            authority_validity: Duration::from_hours(10 * 365 * 24),
            leaf_validity: Duration::from_hours(7 * 24),
        }
    }
}

//! The text that is printed after the start: the addresses, and a command to try each part.

use std::{fmt, path::Path};

use super::addresses::Addresses;

/// Prints as the text.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    /// What listens where.
    pub addresses: &'a Addresses,
    /// The file of the certificates that a client of the webhook trusts, where there is one.
    pub ca: Option<&'a Path>,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Addresses {
            store,
            webhook,
            admin,
        } = self.addresses;
        if let Some(store) = store {
            writeln!(f, "store    http://{store}")?;
            let variable = "first/container";
            writeln!(
                f,
                "  try: curl -d '{{\"variable\":\"{variable}\"}}' http://{store}/"
            )?;
            writeln!(f, "       curl -i 'http://{store}/?variable={variable}'")?;
        }
        if let Some(webhook) = webhook {
            writeln!(f, "webhook  https://{webhook}/mutate")?;
            if let Some(ca) = self.ca.map(Path::display) {
                writeln!(
                    f,
                    "  try: curl --cacert {ca} -H 'Content-Type: application/json' -d '{EXAMPLE}' \
                     https://{webhook}/mutate"
                )?;
            }
        }
        writeln!(f, "admin    http://{admin}/readyz http://{admin}/metrics")
    }
}

/// The smallest review that is answered with a patch.
pub(crate) const EXAMPLE: &str = concat!(
    r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","#,
    r#""request":{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},"#,
    r#""operation":"CREATE","namespace":"default","#,
    r#""object":{"metadata":{"annotations":{"depends-on":"first/container"}},"#,
    r#""spec":{"containers":[{"name":"main"}]}}}}"#
);

//! Systems whose names are known.

use std::{fs, net::IpAddr};

use oncue_client::names::Names;
use tempfile::TempDir;

/// Returns names with these hosts in `/etc/hosts`, and no name server that answers.
pub(crate) fn mk_names(hosts: &[(&str, IpAddr)]) -> (TempDir, Names) {
    let directory = tempfile::tempdir().unwrap();
    let names = Names {
        hosts: directory.path().join("hosts"),
        resolv_conf: directory.path().join("resolv.conf"),
        port: 1,
    };
    let lines = hosts
        .iter()
        .map(|(host, address)| format!("{address} {host}\n"));
    fs::write(&names.hosts, lines.collect::<String>()).unwrap();
    fs::write(&names.resolv_conf, "nameserver 127.0.0.1\n").unwrap();
    (directory, names)
}

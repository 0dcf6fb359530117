//! The static binary as a kubelet runs it: PID 1, any uid, and a read-only root that holds nothing
//! but the binary, `/etc/hosts` and `/etc/resolv.conf`.
//!
//! It needs root, so `tests/empty-root.sh` runs it.

use std::{
    fs,
    net::{Ipv4Addr, UdpSocket},
    process::Command,
    thread,
};

use serde_json::json;
use simple_dns::{
    CLASS, Packet, RCODE, ResourceRecord,
    rdata::{A, RData},
};

use super::{
    api::{Authority, mk_tls_server},
    client::{Running, start},
    server::{Reply, Server},
};

/// The address of the name server. Nothing else listens there.
const NAME_SERVER: &str = "127.9.9.9:53";

/// The shell is PID 1 of its namespace and hands that over to the client.
const ENTER: &str = "\
set -e
mount --make-rprivate /
mount --bind \"$0\" \"$0\"
mount -o remount,bind,ro \"$0\"
mount -t tmpfs -o mode=1777 shared \"$0/oncue\"
exec chroot --userspec=12345:54321 \"$0\" /oncue-client \"$@\"
";

fn mk_root(server: String) -> Root {
    let root = tempfile::tempdir().unwrap();
    let client = std::env::var("ONCUE_STATIC_CLIENT").expect("set by tests/empty-root.sh");
    fs::copy(client, root.path().join("oncue-client")).unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    fs::create_dir(root.path().join("oncue")).unwrap();
    fs::write(
        root.path().join("etc/hosts"),
        "127.0.0.1 localhost listed\n",
    )
    .unwrap();
    let resolv_conf = format!(
        "search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver {}\noptions ndots:5\n",
        NAME_SERVER.trim_end_matches(":53")
    );
    fs::write(root.path().join("etc/resolv.conf"), resolv_conf).unwrap();
    Root {
        directory: root,
        environment: vec![
            ("ONCUE_SERVER", server),
            ("POD_NAME", "web-0".to_owned()),
            ("POD_UID", "u-1".to_owned()),
        ],
    }
}

/// Knows `store` in the pod's own namespace.
fn serve_names() {
    let socket = UdpSocket::bind(NAME_SERVER).unwrap();
    let mut datagram = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut datagram) {
        let query = Packet::parse(&datagram[..length]).unwrap();
        let question = &query.questions[0];
        let mut reply = query.clone().into_reply();
        if question.qname.to_string() != "store.ns.svc.cluster.local" {
            *reply.rcode_mut() = RCODE::NameError;
        } else if question.qtype == simple_dns::QTYPE::TYPE(simple_dns::TYPE::A) {
            let address = RData::A(A::from(Ipv4Addr::LOCALHOST));
            let name = question.qname.clone();
            reply
                .answers
                .push(ResourceRecord::new(name, CLASS::IN, 5, address));
        }
        socket
            .send_to(&reply.build_bytes_vec().unwrap(), from)
            .unwrap();
    }
}

struct Root {
    directory: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Root {
    fn client(&self, args: &[&str]) -> Running {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "sh", "-c", ENTER])
            .arg(self.directory.path())
            .args(args)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(self.environment.iter().cloned());
        start(command)
    }
}

#[test]
#[ignore = "needs root and a static binary: run tests/empty-root.sh"]
fn waits_as_pid_1_of_an_empty_read_only_root_under_any_uid() {
    thread::spawn(serve_names);
    let server = Server::start(|request| match request.body["terms"][0].as_str() {
        Some("never") if request.body["revision"].is_null() => Reply::missing(),
        Some("never") => Reply::Hold,
        Some(_) => Reply::held(),
        None => Reply::Json(201, json!({})),
    });
    let port = server.address.port();
    let root = mk_root(format!("http://store:{port}"));
    let by_hosts = format!("tcp://listed:{port}");
    let by_search = format!("tcp://store.ns:{port}");
    let files = [
        "--dir=/oncue",
        "--install",
        "--mark=web/container",
        "--signal=web/init",
    ];
    let terms = ["first/container", &by_hosts, &by_search];
    let ready = root
        .client(&[&["wait"], &files[..], &terms[..]].concat())
        .end();
    ready.assert_code(0);
    ready.assert_says("Signalled: web/init");

    let nowhere = root.client(&["wait", "tcp://nowhere:1 within 1s"]).end();
    nowhere.assert_code(124);
    nowhere.assert_says("there is no host nowhere");

    let mut stopped = root.client(&["wait", "never"]);
    stopped.says("Waiting for 1 of 1: never");
    stopped.kill_child("-TERM");
    stopped.end().assert_code(143);

    let authority = Authority::new();
    let secure = mk_tls_server(&authority, "store");
    let mut root = mk_root(format!("https://store:{}", secure.port()));
    root.environment.push(("ONCUE_CA", authority.pem()));
    root.client(&["exists", "a"]).end().assert_code(0);
}

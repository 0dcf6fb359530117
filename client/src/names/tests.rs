use std::{
    io::{Read, Write},
    net::{TcpListener, UdpSocket},
    thread,
};

use simple_dns::{
    CLASS, Name, Packet, PacketFlag, RCODE, ResourceRecord,
    rdata::{A, AAAA, CNAME, RData},
};

use super::*;

/// How a fake name server treats one question, named by the first label of the name.
fn answer(query: &Packet<'_>, over: Transport) -> Vec<Vec<u8>> {
    let question = &query.questions[0];
    let name = question.qname.to_string();
    let is_v4 = question.qtype == simple_dns::QTYPE::TYPE(simple_dns::TYPE::A);
    let mut reply = query.clone().into_reply();
    let address = |reply: &mut Packet<'_>, of: &str, last: u8| {
        let rdata = if is_v4 {
            RData::A(A::from(Ipv4Addr::new(10, 0, 0, last)))
        } else {
            RData::AAAA(AAAA::from(Ipv6Addr::new(
                0xfd00,
                0,
                0,
                0,
                0,
                0,
                0,
                last.into(),
            )))
        };
        let name = Name::new(of).unwrap().into_owned();
        reply
            .answers
            .push(ResourceRecord::new(name, CLASS::IN, 5, rdata));
    };
    let alias = |reply: &mut Packet<'_>, of: &str, target: &str| {
        let name = Name::new(of).unwrap().into_owned();
        let target = CNAME(Name::new(target).unwrap().into_owned());
        reply.answers.push(ResourceRecord::new(
            name,
            CLASS::IN,
            5,
            RData::CNAME(target),
        ));
    };
    match (name.as_str(), over) {
        ("both.test" | "redis.ns.svc" | "UPPER.test" | "upper.test", _) => {
            address(&mut reply, &name, 1);
        }
        ("v4only.test" | "dropped.test", _) if is_v4 => address(&mut reply, &name, 2),
        ("v4only.test", _) => {}
        ("dropped.test" | "silent.test", _) => return Vec::new(),
        ("big.test", Transport::Udp) => {
            reply.set_flags(PacketFlag::TRUNCATION);
        }
        ("big.test", Transport::Tcp) => (1..=200).for_each(|last| address(&mut reply, &name, last)),
        ("servfail.test", _) => *reply.rcode_mut() = RCODE::ServerFailure,
        ("alias.test", _) => {
            // The chain is in no order, next to a foreign record.
            address(&mut reply, "other.test", 9);
            address(&mut reply, "target.test", 3);
            alias(&mut reply, "middle.test", "target.test");
            alias(&mut reply, &name, "middle.test");
        }
        ("half.test", _) => alias(&mut reply, &name, "both.test"),
        ("loop.test", _) => alias(&mut reply, &name, "loop.test"),
        ("round.test", _) => alias(&mut reply, &name, "about.test"),
        ("about.test", _) => alias(&mut reply, &name, "round.test"),
        ("noisy.test", _) => {
            address(&mut reply, &name, 4);
            return noise_before(&reply);
        }
        _ => *reply.rcode_mut() = RCODE::NameError,
    }
    vec![reply.build_bytes_vec_compressed().unwrap()]
}

/// Everything that might arrive on the socket and answers nothing, and then the answer.
fn noise_before(reply: &Packet<'_>) -> Vec<Vec<u8>> {
    let good = reply.build_bytes_vec().unwrap();
    let mut wrong_id = good.clone();
    wrong_id[0] ^= 0xff;
    let mut no_reply = good.clone();
    no_reply[2] &= 0x7f;
    let mut wrong_name = reply.clone();
    wrong_name.questions[0].qname = Name::new("forged.test").unwrap();
    vec![
        Vec::new(),
        vec![0xff; 3],
        good[..20].to_vec(),
        vec![0xaa; 600],
        wrong_id,
        no_reply,
        wrong_name.build_bytes_vec().unwrap(),
        good,
    ]
}

#[derive(Clone, Copy)]
enum Transport {
    Tcp,
    Udp,
}

/// A name server on loopback, over UDP and TCP on one port; it lives as long as the test's process.
fn mk_server(host: &str) -> SocketAddr {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind((host.parse::<IpAddr>().unwrap(), 0)).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    thread::spawn(move || serve_udp(&udp));
    thread::spawn(move || serve_tcp(&tcp));
    address
}

fn serve_udp(socket: &UdpSocket) {
    let mut datagram = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut datagram) {
        let query = Packet::parse(&datagram[..length]).unwrap();
        for message in answer(&query, Transport::Udp) {
            socket.send_to(&message, from).unwrap();
        }
    }
}

fn serve_tcp(listener: &TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut query = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut query).unwrap();
        for message in answer(&Packet::parse(&query).unwrap(), Transport::Tcp) {
            let length = u16::try_from(message.len()).unwrap();
            stream.write_all(&length.to_be_bytes()).unwrap();
            stream.write_all(&message).unwrap();
        }
    }
}

/// The names of a system whose files hold this.
struct System {
    names: Names,
    _files: tempfile::TempDir,
}

impl System {
    fn new(resolv_conf: &str, port: u16) -> Self {
        let files = tempfile::tempdir().unwrap();
        let names = Names {
            hosts: files.path().join("hosts"),
            resolv_conf: files.path().join("resolv.conf"),
            port,
        };
        fs::write(&names.hosts, "10.9.9.9 listed\n").unwrap();
        fs::write(&names.resolv_conf, resolv_conf).unwrap();
        Self {
            names,
            _files: files,
        }
    }

    fn with_server() -> Self {
        let server = mk_server("127.0.0.1");
        Self::new(
            "nameserver 127.0.0.1\nsearch ns.svc svc test\noptions ndots:5\n",
            server.port(),
        )
    }

    fn lookup(&self, host: &str) -> Result<Vec<String>, String> {
        self.lookup_within(Duration::from_secs(20), host)
    }

    fn lookup_within(&self, patience: Duration, host: &str) -> Result<Vec<String>, String> {
        match self.names.lookup(host, Instant::now() + patience) {
            Ok(addresses) => Ok(addresses.iter().map(ToString::to_string).collect()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[test]
fn addresses_and_this_host_need_no_server() {
    let system = System::new("", 9);
    for (host, addresses) in [
        ("10.1.2.3", vec!["10.1.2.3"]),
        ("::1", vec!["::1"]),
        ("[fd00::7]", vec!["fd00::7"]),
        ("listed", vec!["10.9.9.9"]),
        ("localhost", vec!["127.0.0.1", "::1"]),
        ("a.LOCALHOST.", vec!["127.0.0.1", "::1"]),
    ] {
        assert_eq!(system.lookup(host).unwrap(), addresses, "{host}");
    }
}

#[test]
fn finds_names_as_they_are_and_by_the_search_list() {
    let system = System::with_server();
    for (host, addresses) in [
        ("both.test.", vec!["10.0.0.1", "fd00::1"]),
        ("both.test", vec!["10.0.0.1", "fd00::1"]),
        ("both", vec!["10.0.0.1", "fd00::1"]),
        ("redis", vec!["10.0.0.1", "fd00::1"]),
        ("UPPER.test.", vec!["10.0.0.1", "fd00::1"]),
        ("v4only.test.", vec!["10.0.0.2"]),
    ] {
        assert_eq!(system.lookup(host).unwrap(), addresses, "{host}");
    }
}

#[test]
fn follows_aliases_that_the_server_followed_and_those_it_did_not() {
    let system = System::with_server();
    assert_eq!(
        system.lookup("alias.test.").unwrap(),
        ["10.0.0.3", "fd00::3"]
    );
    assert_eq!(
        system.lookup("half.test.").unwrap(),
        ["10.0.0.1", "fd00::1"]
    );
    for endless in ["loop.test.", "round.test."] {
        let error = system.lookup(endless).unwrap_err();
        assert!(error.contains("alias"), "{error}");
    }
}

#[test]
fn asks_over_tcp_for_what_did_not_fit() {
    let addresses = System::with_server().lookup("big.test.").unwrap();
    assert_eq!(addresses.len(), 400);
    assert_eq!(
        addresses[..3],
        ["10.0.0.1", "fd00::1", "10.0.0.2"],
        "families in turn"
    );
}

#[test]
fn asks_over_tcp_alone_where_the_configuration_says_so() {
    let server = mk_server("127.0.0.1");
    let system = System::new(
        "nameserver 127.0.0.1\noptions use-vc no-aaaa\n",
        server.port(),
    );
    assert_eq!(system.lookup("both.test").unwrap(), ["10.0.0.1"]);
}

#[test]
fn passes_over_whatever_does_not_answer_the_question() {
    assert_eq!(
        System::with_server().lookup("noisy.test.").unwrap(),
        ["10.0.0.4", "fd00::4"]
    );
}

#[test]
fn a_dropped_answer_for_one_family_does_not_hold_the_other_up() {
    let begun = Instant::now();
    assert_eq!(
        System::with_server().lookup("dropped.test.").unwrap(),
        ["10.0.0.2"]
    );
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "the configured time is 5 s"
    );
}

#[test]
fn a_name_that_is_nowhere_is_no_host() {
    let system = System::with_server();
    assert_eq!(
        system.lookup("nowhere").unwrap_err(),
        "there is no host nowhere"
    );
    assert_eq!(
        system.lookup("a..b").unwrap_err(),
        "\"a..b\" is not a host name"
    );
}

#[test]
fn says_what_the_server_said() {
    let system = System::with_server();
    let error = system.lookup("servfail.test.").unwrap_err();
    assert!(
        error.starts_with("failed to look up servfail.test.: "),
        "{error}"
    );
    assert!(error.ends_with("answered SERVFAIL"), "{error}");
}

#[test]
fn gives_up_on_silence_in_time() {
    let begun = Instant::now();
    let error = System::with_server()
        .lookup_within(Duration::from_millis(200), "silent.test.")
        .unwrap_err();
    assert!(error.contains("did not answer in time"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn goes_on_to_the_next_server() {
    // Nothing listens on the port at 127.0.0.1: it is bound at 127.0.0.2 only.
    let server = mk_server("127.0.0.2");
    let system = System::new(
        "nameserver 127.0.0.1\nnameserver 127.0.0.2\n",
        server.port(),
    );
    assert_eq!(system.lookup("both.test").unwrap(), ["10.0.0.1", "fd00::1"]);
}

#[test]
fn answers_of_any_bytes_are_judged_without_a_panic() {
    use proptest::prelude::*;

    use super::message::Query;

    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..300), flags in any::<u8>())| {
        let query = Query { id: 0x1234, name: "both.test".to_owned(), family: Family::V4 };
        let mut message = query.to_bytes().unwrap();
        message[2] = 0x80 | (flags & 0x0f);
        message[7] = flags >> 4;
        message.extend(bytes);
        let _ = query.read(&message);
    });
}

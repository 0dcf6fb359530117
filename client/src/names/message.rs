//! Queries to a name server, and the meaning of its answers. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
    rdata::RData,
};

/// A family of addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    fn record_type(self) -> QTYPE {
        QTYPE::TYPE(match self {
            Self::V4 => TYPE::A,
            Self::V6 => TYPE::AAAA,
        })
    }
}

/// The query for the addresses of one family of one name.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) id: u16,
    pub(super) name: String,
    pub(super) family: Family,
}

/// An answer of a name server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Reply {
    /// The name is an alias of this one, whose addresses are not in the answer.
    Alias(String),
    /// Addresses, at least one.
    Addresses(Vec<IpAddr>),
    /// The name exists, without an address of this family.
    NoAddress,
    /// The name does not exist, for any family.
    NoSuchName,
    /// The server failed with this code.
    Unable(&'static str),
}

/// A message that answers the query.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Received {
    Reply(Reply),
    /// The answer is truncated. Ask again over TCP.
    Truncated,
}

impl Query {
    /// Returns the message to send, or `None` if the name is too long for DNS.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Question::new(
            Name::new(&self.name).ok()?,
            self.family.record_type(),
            QCLASS::CLASS(CLASS::IN),
            false,
        ));
        packet.build_bytes_vec().ok()
    }

    /// Returns the answer in a message, or `None` if it does not answer this query.
    pub(super) fn read(&self, message: &[u8]) -> Option<Received> {
        // The header is read by hand: a truncated message may end in the middle of a record.
        let flags = u16::from_be_bytes([*message.get(2)?, *message.get(3)?]);
        let is_reply = flags & PacketFlag::RESPONSE.bits() != 0;
        if message[..2] != self.id.to_be_bytes() || !is_reply {
            return None;
        }
        if flags & PacketFlag::TRUNCATION.bits() != 0 {
            return Some(Received::Truncated);
        }
        let packet = Packet::parse(message).ok()?;
        self.is_asked_in(&packet)
            .then(|| Received::Reply(self.judge(&packet)))
    }

    fn is_asked_in(&self, packet: &Packet<'_>) -> bool {
        match &*packet.questions {
            [question] => {
                question.qtype == self.family.record_type()
                    && same_name(&question.qname.to_string(), &self.name)
            }
            // Some servers leave the question out of a refusal.
            [] => packet.rcode() != RCODE::NoError,
            _ => false,
        }
    }

    fn judge(&self, packet: &Packet<'_>) -> Reply {
        match packet.rcode() {
            RCODE::NoError => self.follow(&packet.answers),
            RCODE::NameError => Reply::NoSuchName,
            RCODE::FormatError => Reply::Unable("FORMERR"),
            RCODE::ServerFailure => Reply::Unable("SERVFAIL"),
            RCODE::NotImplemented => Reply::Unable("NOTIMP"),
            RCODE::Refused => Reply::Unable("REFUSED"),
            _ => Reply::Unable("an error"),
        }
    }

    /// Follows the aliases from the queried name. They may be in any order.
    fn follow(&self, answers: &[ResourceRecord<'_>]) -> Reply {
        let mut name = self.name.clone();
        for _ in 0..=answers.len() {
            let of_name = |record: &&ResourceRecord<'_>| same_name(&record.name.to_string(), &name);
            let addresses: Vec<_> = answers.iter().filter(of_name).filter_map(address).collect();
            if !addresses.is_empty() {
                return Reply::Addresses(addresses);
            }
            match answers.iter().filter(of_name).find_map(alias) {
                Some(target) => name = target,
                None if same_name(&name, &self.name) => return Reply::NoAddress,
                // The chain is complete, but has no address at its end.
                None if answers.iter().any(|record| address(record).is_some()) => {
                    return Reply::NoAddress;
                }
                None => return Reply::Alias(name),
            }
        }
        Reply::Unable("aliases that go round")
    }
}

fn same_name(one: &str, other: &str) -> bool {
    one.trim_end_matches('.')
        .eq_ignore_ascii_case(other.trim_end_matches('.'))
}

fn address(record: &ResourceRecord<'_>) -> Option<IpAddr> {
    match &record.rdata {
        RData::A(a) => Some(Ipv4Addr::from(a.address).into()),
        RData::AAAA(aaaa) => Some(Ipv6Addr::from(aaaa.address).into()),
        _ => None,
    }
}

fn alias(record: &ResourceRecord<'_>) -> Option<String> {
    match &record.rdata {
        RData::CNAME(target) => Some(target.0.to_string()),
        _ => None,
    }
}

//! Why TLS handshakes fail, as the metrics name it.

use std::io;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use rustls::{AlertDescription, Error};
use strum::{EnumIter, IntoEnumIterator, IntoStaticStr};

/// Why a TLS handshake failed.
#[derive(Clone, Copy, Debug, EnumIter, Eq, Hash, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum HandshakeFailure {
    /// The client does not accept our certificate.
    CertificateRefused,
    /// The client closed the connection.
    Closed,
    /// The client supports no version or cipher that we do.
    Incompatible,
    /// There is no certificate to serve.
    NoCertificate,
    /// There is no room for so large a record.
    NoRoom,
    /// What came is not TLS.
    NotTls,
    /// Anything else.
    Other,
    /// The client was too slow.
    TimedOut,
}

impl HandshakeFailure {
    /// Returns why a handshake ended with `error`.
    pub(super) fn of(error: &io::Error) -> Self {
        let source = error.get_ref().and_then(|inner| inner.downcast_ref());
        if let Some(tls) = source {
            return Self::of_tls(tls);
        }
        match error.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::OutOfMemory => Self::NoRoom,
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Other,
        }
    }

    fn of_tls(error: &Error) -> Self {
        match error {
            Error::AlertReceived(alert) if REFUSALS.contains(alert) => Self::CertificateRefused,
            // rustls has no variant for a resolver that returns nothing.
            Error::General(text) if text.contains("no server certificate") => Self::NoCertificate,
            Error::InvalidMessage(_) => Self::NotTls,
            Error::PeerIncompatible(_) => Self::Incompatible,
            _ => Self::Other,
        }
    }
}

/// The alerts of clients that do not accept a certificate.
const REFUSALS: [AlertDescription; 6] = [
    AlertDescription::BadCertificate,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::UnsupportedCertificate,
];

/// The failed handshakes of one listener.
#[derive(Clone, Debug)]
pub(crate) struct HandshakeFailures {
    listener: &'static str,
    family: Family<Labels, Counter>,
}

impl HandshakeFailures {
    /// Returns the counters of `listener`, each of which is there from the start.
    pub(super) fn of(listener: &'static str, family: Family<Labels, Counter>) -> Self {
        for reason in HandshakeFailure::iter() {
            let reason = reason.into();
            drop(family.get_or_create(&Labels { listener, reason }));
        }
        Self { listener, family }
    }

    pub(super) fn count(&self, reason: HandshakeFailure) {
        let labels = Labels {
            listener: self.listener,
            reason: reason.into(),
        };
        self.family.get_or_create(&labels).inc();
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Labels {
    listener: &'static str,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use rustls::{InvalidMessage, PeerIncompatible};

    use super::*;

    #[test]
    fn a_failure_is_counted_under_the_reason_that_an_operator_can_act_on() {
        let tls = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let refused = Error::AlertReceived(AlertDescription::UnknownCA);
        let alert = Error::AlertReceived(AlertDescription::HandshakeFailure);
        let none = Error::General("no server certificate chain resolved".to_owned());
        let old = Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon);
        for (error, reason) in [
            (tls(refused), "certificate-refused"),
            (tls(none), "no-certificate"),
            (tls(old), "incompatible"),
            (
                tls(Error::InvalidMessage(InvalidMessage::InvalidContentType)),
                "not-tls",
            ),
            (tls(alert), "other"),
            (io::ErrorKind::UnexpectedEof.into(), "closed"),
            (io::ErrorKind::TimedOut.into(), "timed-out"),
            (io::ErrorKind::OutOfMemory.into(), "no-room"),
        ] {
            let label: &str = HandshakeFailure::of(&error).into();
            assert_eq!(label, reason, "{error}");
        }
    }
}

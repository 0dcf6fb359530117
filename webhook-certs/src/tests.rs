//! The authority against readers that are not ours: x509-parser, and rustls as client and server.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, GeneralSubtree, IsCa,
    KeyIdMethod, KeyPair, NameConstraints, string::PrintableString,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    pki_types::{ServerName, UnixTime},
    time_provider::TimeProvider,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::{
    Authority, AuthorityCertificate, AuthorityKey, CertificateError, Given, Profile,
    SwappableCertificate, Validity, given::GivenPem,
};

const DAY: Duration = Duration::from_hours(24);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(20_000 * 24)
}

fn names() -> Vec<ServerName<'static>> {
    ["webhook.example.svc", "127.0.0.1", "::1"]
        .map(|name| name.try_into().unwrap())
        .to_vec()
}

#[derive(Debug)]
struct FixedTime(SystemTime);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since_epoch = self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Some(UnixTime::since_unix_epoch(since_epoch))
    }
}

/// Shakes hands at `now` and returns the certificate that the client accepted.
fn shake_hands(
    certificate: &Arc<SwappableCertificate>,
    bundle: &str,
    now: SystemTime,
) -> Result<Vec<u8>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let time = Arc::new(FixedTime(now));
    let mut roots = RootCertStore::empty();
    for root in AuthorityCertificate::all_from_pem(bundle).unwrap() {
        roots.add(root.der().clone()).unwrap();
    }
    let client = ClientConfig::builder_with_details(provider.clone(), time.clone())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_details(provider, time)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate.clone());
    let mut client = ClientConnection::new(Arc::new(client), "127.0.0.1".try_into().unwrap())?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    while client.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(client.peer_certificates().unwrap()[0].to_vec())
}

fn serve(authority: &Authority, now: SystemTime) -> Arc<SwappableCertificate> {
    let provider = rustls::crypto::ring::default_provider();
    let leaf = authority.issue(&names(), now).unwrap();
    let certificate = leaf.into_certified_key(&provider).unwrap();
    Arc::new(SwappableCertificate::new(certificate))
}

#[test]
fn an_authority_signs_leaves_and_nothing_below_them() {
    let authority = Authority::generate(start()).unwrap();
    let (_, parsed) = X509Certificate::from_der(authority.certificate().der()).unwrap();
    let constraints = parsed.basic_constraints().unwrap().unwrap().value;
    assert!(constraints.ca);
    assert_eq!(constraints.path_len_constraint, Some(0));
    assert!(parsed.key_usage().unwrap().unwrap().value.key_cert_sign());
}

#[test]
fn an_authority_is_valid_for_ten_years() {
    let validity = Authority::generate(start()).unwrap().validity();
    assert_eq!(validity.not_after, start() + 3650 * DAY);
    assert!(validity.contains(start()));
    assert!(!validity.contains(start() + 3651 * DAY));
}

#[test]
fn a_leaf_carries_its_names_and_serves_only() {
    let authority = Authority::generate(start()).unwrap();
    let leaf = authority.issue(&names(), start()).unwrap();
    let (_, parsed) = X509Certificate::from_der(leaf.certificate()).unwrap();
    let alternative_names = parsed.subject_alternative_name().unwrap().unwrap().value;
    assert_eq!(
        alternative_names.general_names,
        [
            GeneralName::DNSName("webhook.example.svc"),
            GeneralName::IPAddress(&[127, 0, 0, 1]),
            GeneralName::IPAddress(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ]
    );
    let usage = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth);
    assert!(!parsed.is_ca());
}

#[test]
fn a_leaf_never_outlives_its_authority() {
    let authority = Authority::generate(start()).unwrap();
    let late = authority.validity().not_after - DAY;
    let leaf = authority.issue(&names(), late).unwrap();
    assert_eq!(leaf.validity().not_after, authority.validity().not_after);
}

#[test]
fn a_client_that_trusts_the_bundle_shakes_hands() {
    let authority = Authority::generate(start()).unwrap();
    let certificate = serve(&authority, start());
    shake_hands(&certificate, &authority.bundle_pem(), start() + DAY).unwrap();
}

#[test]
fn a_client_that_trusts_another_authority_does_not() {
    let authority = Authority::generate(start()).unwrap();
    let other = Authority::generate(start()).unwrap();
    let certificate = serve(&authority, start());
    shake_hands(&certificate, &other.bundle_pem(), start()).unwrap_err();
}

#[test]
fn a_leaf_is_refused_after_seven_days() {
    let authority = Authority::generate(start()).unwrap();
    let certificate = serve(&authority, start());
    shake_hands(&certificate, &authority.bundle_pem(), start() + 8 * DAY).unwrap_err();
}

#[test]
fn a_swapped_certificate_is_handed_out_at_once() {
    let authority = Authority::generate(start()).unwrap();
    let certificate = serve(&authority, start());
    let first = shake_hands(&certificate, &authority.bundle_pem(), start()).unwrap();

    let provider = rustls::crypto::ring::default_provider();
    let renewed = authority.issue(&names(), start() + DAY).unwrap();
    certificate.swap(renewed.into_certified_key(&provider).unwrap());
    let second = shake_hands(&certificate, &authority.bundle_pem(), start() + DAY).unwrap();
    assert_ne!(first, second);
}

#[test]
fn old_and_new_clients_trust_a_renewed_authority() {
    let authority = Authority::generate(start()).unwrap();
    let old = authority.bundle_pem();
    let later = start() + 3000 * DAY;
    let authority = authority.renewed(&Profile::default(), later).unwrap();
    let new = authority.certificate().to_pem();
    assert_eq!(authority.bundle_pem(), format!("{old}{new}"));

    let certificate = serve(&authority, later);
    for bundle in [old, new, authority.bundle_pem()] {
        shake_hands(&certificate, &bundle, later).unwrap();
    }
}

#[test]
fn a_renewal_drops_what_has_ended() {
    let authority = Authority::generate(start()).unwrap();
    let late = start() + 4000 * DAY;
    let authority = authority.renewed(&Profile::default(), late).unwrap();
    assert_eq!(authority.bundle_pem(), authority.certificate().to_pem());
}

#[test]
fn pem_round_trips() {
    let authority = Authority::generate(start()).unwrap();
    let authority = authority
        .renewed(&Profile::default(), start() + DAY)
        .unwrap();
    let read = Authority::from_pem(&authority.key().to_pem(), &authority.bundle_pem()).unwrap();
    assert_eq!(read.bundle_pem(), authority.bundle_pem());
    let certificate = serve(&read, start() + DAY);
    shake_hands(&certificate, &authority.bundle_pem(), start() + DAY).unwrap();
}

#[test]
fn refuses_a_certificate_of_another_key() {
    let authority = Authority::generate(start()).unwrap();
    let other = Authority::generate(start()).unwrap();
    let error = Authority::from_pem(&authority.key().to_pem(), &other.bundle_pem()).unwrap_err();
    assert!(matches!(error, CertificateError::KeyMismatch));
}

#[test]
fn refuses_what_is_not_a_certificate() {
    let authority = Authority::generate(start()).unwrap();
    let key = authority.key().to_pem();
    let leaf = authority.issue(&names(), start()).unwrap();
    let leaf = pem::encode(&pem::Pem::new("CERTIFICATE", leaf.certificate().to_vec()));
    let garbage = pem::encode(&pem::Pem::new("CERTIFICATE", *b"garbage"));
    let refusal = |bundle: &str| Authority::from_pem(&key, bundle).unwrap_err();
    assert!(matches!(refusal(""), CertificateError::NoCertificate));
    assert!(matches!(refusal(&leaf), CertificateError::NotAnAuthority));
    assert!(matches!(
        refusal(&garbage),
        CertificateError::ReadCertificate { .. }
    ));
}

#[test]
fn a_successor_is_due_when_a_third_of_the_lifetime_is_left() {
    let minutes = Duration::from_mins;
    for (lifetime, whole, rest) in [(6, 66, 2), (600, 66, 22), (90, 150, 30)] {
        let validity = Validity {
            not_before: start(),
            not_after: start() + minutes(whole),
        };
        let expected = validity.not_after - minutes(rest);
        assert_eq!(validity.renew_at(minutes(lifetime)), expected, "{lifetime}");
    }
}

/// A CA as openssl or a company makes one: a name of several parts, another key identifier.
fn mk_foreign(change: impl FnOnce(&mut CertificateParams)) -> Authority {
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = start().into();
    params.not_after = (start() + 365 * DAY).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_identifier_method = KeyIdMethod::PreSpecified(vec![7; 20]);
    let mut name = DistinguishedName::new();
    let country = PrintableString::try_from("DE").unwrap();
    name.push(DnType::CountryName, DnValue::PrintableString(country));
    name.push(DnType::OrganizationName, "Example");
    name.push(DnType::CommonName, "Example Root 7");
    params.distinguished_name = name;
    change(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    Authority::from_pem(&key.serialize_pem(), &certificate.pem()).unwrap()
}

fn check(authority: &Authority, now: SystemTime) -> Result<(), CertificateError> {
    authority.check(&Profile::default(), (&names(), now))
}

#[test]
fn a_renewal_keeps_the_name_and_the_key_identifier_that_an_authority_has() {
    let foreign = mk_foreign(|_| {});
    let later = start() + 300 * DAY;
    let renewed = foreign.renewed(&Profile::default(), later).unwrap();
    let [before, after] = [&foreign, &renewed].map(|it| {
        let (_, parsed) = X509Certificate::from_der(it.certificate().der()).unwrap();
        parsed.subject().as_raw().to_vec()
    });
    assert_eq!(before, after);
    let identifier = |it: &Authority| it.certificate().key_identifier().unwrap();
    assert_eq!(identifier(&renewed), identifier(&foreign));
    let certificate = serve(&renewed, later);
    shake_hands(&certificate, &foreign.bundle_pem(), later).unwrap();
}

#[test]
fn an_authority_from_elsewhere_is_checked_before_it_is_used() {
    let fits = mk_foreign(|_| {});
    check(&fits, start()).unwrap();
    // It is renewed first.
    check(&fits, start() + 4000 * DAY).unwrap();
    let elsewhere = mk_foreign(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let error = check(&elsewhere, start()).unwrap_err().told();
    let expected = "the certificate would not be verified for webhook.example.svc: ";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_key_of_a_type_that_is_not_supported_says_what_is() {
    let error = AuthorityKey::from_pem("-----BEGIN EC PRIVATE KEY-----\nAAAA\n").unwrap_err();
    assert!(error.to_string().contains("PKCS #8"), "{error}");
}

#[test]
fn without_a_certificate_handshakes_fail() {
    let authority = Authority::generate(start()).unwrap();
    let certificate = Arc::new(SwappableCertificate::default());
    shake_hands(&certificate, &authority.bundle_pem(), start()).unwrap_err();
}

fn give(authority: &Authority, now: SystemTime) -> [String; 3] {
    let leaf = authority.issue(&names(), now).unwrap();
    let certificate = pem::encode(&pem::Pem::new("CERTIFICATE", leaf.certificate().to_vec()));
    [certificate, leaf.key_pem(), authority.bundle_pem()]
}

fn read([certificate, key, authority]: &[String; 3]) -> Result<Given, CertificateError> {
    let pem = GivenPem {
        certificate,
        key,
        authority,
    };
    Given::from_pem(pem, (&names(), start()))
}

#[test]
fn a_given_certificate_has_to_be_what_clients_verify() {
    let [authority, other] = [(); 2].map(|()| Authority::generate(start()).unwrap());
    let right = give(&authority, start());
    let given = read(&right).unwrap();
    assert_eq!(given.trusted(), [authority.certificate().clone()]);
    let another = give(&other, start());
    let [certificate, key, bundle] = right.clone();
    let cases = [
        (
            "another key",
            [certificate.clone(), another[1].clone(), bundle.clone()],
            "another key",
        ),
        (
            "no key",
            [certificate.clone(), String::new(), bundle.clone()],
            "private key",
        ),
        (
            "no certificate",
            [String::new(), key.clone(), bundle.clone()],
            "no certificate",
        ),
        (
            "no authority",
            [certificate.clone(), key.clone(), String::new()],
            "no certificate",
        ),
        (
            "another authority",
            [certificate, key, another[2].clone()],
            "would not be verified",
        ),
        (
            "expired",
            give(&authority, start() - 30 * DAY),
            "would not be verified",
        ),
    ];
    for (case, pems, expected) in cases {
        let error = read(&pems).unwrap_err().told();
        assert!(error.contains(expected), "{case}: {error}");
    }
}

//! Certificates that clients trust: public.

use std::time::{Duration, SystemTime};

use rcgen::{DistinguishedName, DnType, DnValue};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::{
    asn1_rs::Tag, certificate::X509Certificate, extensions::ParsedExtension, prelude::FromDer,
    time::ASN1Time, x509::AttributeTypeAndValue,
};

use crate::{error::CertificateError, validity::Validity};

/// A certificate that clients trust, of a certificate authority as a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorityCertificate {
    der: CertificateDer<'static>,
    is_authority: bool,
    public_key: Vec<u8>,
    validity: Validity,
}

impl AuthorityCertificate {
    /// Reads all certificates of a PEM text; at least one.
    pub fn all_from_pem(pem: &str) -> Result<Vec<Self>, CertificateError> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .map(|der| Self::from_der(der.map_err(|error| CertificateError::read(&error))?))
            .collect::<Result<_, _>>()?;
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        Ok(certificates)
    }

    pub(crate) fn from_der(der: CertificateDer<'static>) -> Result<Self, CertificateError> {
        let parsed = parse(&der)?;
        Ok(Self {
            is_authority: parsed.is_ca(),
            public_key: parsed.public_key().subject_public_key.data.to_vec(),
            validity: Validity {
                not_before: system_time(parsed.validity().not_before),
                not_after: system_time(parsed.validity().not_after),
            },
            der,
        })
    }

    /// Returns the certificate in PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(&pem::Pem::new("CERTIFICATE", self.der.to_vec()))
    }

    /// Returns the certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Returns from when to when it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns whether it may sign others.
    pub(crate) fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// Returns the raw public key.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Returns the name that it was issued for.
    pub(crate) fn subject(&self) -> Result<DistinguishedName, CertificateError> {
        let parsed = parse(&self.der)?;
        let mut name = DistinguishedName::new();
        for attribute in parsed.subject().iter_attributes() {
            let oid = attribute.attr_type().iter();
            let oid: Vec<u64> = oid.ok_or_else(|| unsupported(attribute))?.collect();
            name.push(DnType::from_oid(&oid), value(attribute)?);
        }
        Ok(name)
    }

    /// Returns the identifier of its key, if it has one.
    pub(crate) fn key_identifier(&self) -> Result<Option<Vec<u8>>, CertificateError> {
        let parsed = parse(&self.der)?;
        let mut extensions = parsed.extensions().iter();
        Ok(extensions.find_map(|it| match it.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        }))
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateError> {
    let parsed = X509Certificate::from_der(der);
    let (_, certificate) = parsed.map_err(|error| CertificateError::read(&error))?;
    Ok(certificate)
}

fn value(attribute: &AttributeTypeAndValue<'_>) -> Result<DnValue, CertificateError> {
    let text = attribute.as_str().map_err(|_| unsupported(attribute))?;
    let value = match attribute.attr_value().header.tag() {
        Tag::Ia5String => text.try_into().ok().map(DnValue::Ia5String),
        Tag::PrintableString => text.try_into().ok().map(DnValue::PrintableString),
        Tag::Utf8String => Some(DnValue::Utf8String(text.to_owned())),
        _ => None,
    };
    value.ok_or_else(|| unsupported(attribute))
}

fn unsupported(attribute: &AttributeTypeAndValue<'_>) -> CertificateError {
    let oid = attribute.attr_type();
    CertificateError::read(&format!(
        "the attribute {oid} of its subject cannot be copied"
    ))
}

fn system_time(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

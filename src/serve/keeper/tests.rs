//! Certificates in files, as the kubelet writes a Secret volume.

use std::{os::unix::fs::symlink, path::Path};

use oncue_webhook_certs::{AuthorityCertificate, Credentials};
use tempfile::TempDir;

use super::*;

fn names() -> Vec<ServerName<'static>> {
    vec!["oncue-webhook.oncue-system.svc".try_into().unwrap()]
}

/// Writes a certificate into a folder of its own, and lets `..data` point there: files that a reader
/// opens do not change, and the links to them do not either.
fn mount(volume: &Path, version: &str) -> String {
    let now = SystemTime::now();
    let authority = Authority::generate(now).unwrap();
    let leaf = authority.issue(&names(), now).unwrap();
    let folder = volume.join(version);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("tls.crt"), pem(leaf.certificate())).unwrap();
    fs::write(folder.join("tls.key"), leaf.key_pem()).unwrap();
    fs::write(folder.join("ca.crt"), authority.bundle_pem()).unwrap();
    let (link, new) = (volume.join("..data"), volume.join("..data_tmp"));
    symlink(version, &new).unwrap();
    fs::rename(new, link).unwrap();
    authority.bundle_pem()
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let text = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn mk_keeper() -> (TempDir, CertificateKeeper) {
    let volume = tempfile::tempdir().unwrap();
    let link = |name: &str| {
        let path = volume.path().join(name);
        symlink(Path::new("..data").join(name), &path).unwrap();
        path
    };
    let files = TlsFiles {
        certificate: link("tls.crt"),
        key: link("tls.key"),
        authority: link("ca.crt"),
    };
    let holder = Holder {
        names: names(),
        leadership: Leadership::sole(),
        metrics: CertificateMetrics::default(),
    };
    let place = CertificatePlace::TlsFiles(files);
    let keeper = CertificateKeeper::new((&place, Path::new("/nowhere")), None, holder);
    (volume, keeper.unwrap())
}

async fn bundle(keeper: &CertificateKeeper) -> String {
    match keeper.read().await.unwrap().stored {
        Stored::Credentials(it @ Credentials::Given(_)) => it.bundle_pem(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_that_the_kubelet_swaps_is_read_anew() {
    let (volume, keeper) = mk_keeper();
    let first = mount(volume.path(), "1");
    let parsed = AuthorityCertificate::all_from_pem(&first).unwrap();
    assert_eq!(
        AuthorityCertificate::all_from_pem(&bundle(&keeper).await).unwrap(),
        parsed
    );
    let second = mount(volume.path(), "2");
    assert_ne!(first, second);
    let parsed = AuthorityCertificate::all_from_pem(&second).unwrap();
    assert_eq!(
        AuthorityCertificate::all_from_pem(&bundle(&keeper).await).unwrap(),
        parsed
    );
}

#[tokio::test]
async fn a_file_that_is_missing_or_damaged_is_named() {
    let (volume, keeper) = mk_keeper();
    let error = keeper.read().await.unwrap_err().to_string();
    assert!(
        error.starts_with("failed to read ") && error.ends_with("tls.crt"),
        "{error}"
    );
    mount(volume.path(), "1");
    fs::write(volume.path().join("..data/tls.key"), "torn").unwrap();
    let Stored::Unusable(unusable) = keeper.read().await.unwrap().stored else {
        panic!("a torn key is used");
    };
    let text = unusable.to_string();
    assert!(
        text.contains("tls.crt cannot be served: failed to read the private key"),
        "{text}"
    );
}

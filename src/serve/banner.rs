//! The text that is printed after the start: the addresses, and a command to try each part.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use rustls::pki_types::ServerName;

use super::{addresses::Addresses, authority::AuthorityFiles};
use crate::config::{CertificatePlace, Config, Identity, KubernetesIdentity, ObjectRef};

/// Prints as the text.
#[derive(Debug)]
pub(crate) struct Banner {
    addresses: Addresses,
    authority: Authority,
    webhook_names: Vec<ServerName<'static>>,
    /// Empty if the store speaks plain HTTP only.
    store_names: Vec<ServerName<'static>>,
    identity: Identity,
}

/// Where people find the certificates that clients verify with.
#[derive(Debug)]
enum Authority {
    File(PathBuf),
    Secret(ObjectRef),
}

impl Banner {
    pub(super) fn new(config: &Config, addresses: Addresses) -> Self {
        Self {
            addresses,
            authority: match &config.certificates {
                CertificatePlace::Data => {
                    Authority::File(AuthorityFiles::of(&config.data).certificate().to_owned())
                }
                CertificatePlace::TlsFiles(files) => Authority::File(files.authority.clone()),
                CertificatePlace::Secret(place) | CertificatePlace::TlsSecret(place) => {
                    Authority::Secret(place.clone())
                }
            },
            webhook_names: config.names.clone(),
            store_names: config.store_names.clone(),
            identity: config.identity.clone(),
        }
    }

    /// Returns how clients reach a listener over TLS; `None` if it has no name.
    fn verified(&self, names: &[ServerName<'_>], address: SocketAddr) -> Option<Verified> {
        let (server, detour) = server(names, address)?;
        let ca = match &self.authority {
            Authority::File(path) => path.display().to_string(),
            Authority::Secret(_) => "ca.crt".to_owned(),
        };
        let detour = detour.map(|it| format!(" --connect-to {it}"));
        Some(Verified {
            curl: format!("curl --cacert {ca}{}", detour.unwrap_or_default()),
            url: format!("https://{server}"),
        })
    }

    fn write_store(&self, f: &mut fmt::Formatter<'_>, address: SocketAddr) -> fmt::Result {
        let plain = Verified {
            curl: "curl".to_owned(),
            url: format!("http://{address}"),
        };
        let tls = self.verified(&self.store_names, address);
        match (&self.identity, tls) {
            (Identity::Kubernetes(identity), Some(tls)) => {
                writeln!(f, "store    {}", tls.url)?;
                self.write_authority(f)?;
                write_use_with_token(f, (&tls, identity))?;
                write_plain(f, (&plain.url, identity))
            }
            (_, Some(tls)) => {
                writeln!(f, "store    {} {}", tls.url, plain.url)?;
                self.write_authority(f)?;
                write_use(f, &tls)
            }
            (_, None) => {
                writeln!(f, "store    {}", plain.url)?;
                write_use(f, &plain)
            }
        }
    }

    fn write_webhook(&self, f: &mut fmt::Formatter<'_>, address: SocketAddr) -> fmt::Result {
        writeln!(f, "webhook  https://{address}/mutate")?;
        let Some(Verified { curl, url }) = self.verified(&self.webhook_names, address) else {
            return Ok(());
        };
        self.write_authority(f)?;
        writeln!(
            f,
            "  try: {curl} -H 'Content-Type: application/json' -d '{EXAMPLE}' {url}/mutate"
        )
    }

    /// Writes how to get the file that the commands below name.
    fn write_authority(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Authority::Secret(ObjectRef { namespace, name }) = &self.authority else {
            return Ok(());
        };
        writeln!(
            f,
            "  get: kubectl get secret {name} --namespace {namespace} \
             --output 'jsonpath={{.data.ca\\.crt}}' | base64 -d >ca.crt"
        )
    }
}

impl fmt::Display for Banner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Addresses {
            store,
            webhook,
            admin,
        } = self.addresses;
        if let Some(store) = store {
            self.write_store(f, store)?;
        }
        if let Some(webhook) = webhook {
            self.write_webhook(f, webhook)?;
        }
        writeln!(f, "admin    http://{admin}/readyz http://{admin}/metrics")
    }
}

/// How clients reach a listener.
struct Verified {
    /// The command and its options.
    curl: String,
    /// Without a path.
    url: String,
}

/// Returns name and port of the server in a URL that clients can verify, and the argument of
/// `--connect-to` if the name may lead elsewhere.
fn server(names: &[ServerName<'_>], address: SocketAddr) -> Option<(String, Option<String>)> {
    let port = address.port();
    let written = |name: &ServerName<'_>| match name {
        ServerName::IpAddress(ip) => SocketAddr::new(IpAddr::from(*ip), port).to_string(),
        name => format!("{}:{port}", name.to_str()),
    };
    let here = if address.ip().is_unspecified() {
        ServerName::try_from("localhost").expect("localhost is a DNS name")
    } else {
        ServerName::IpAddress(address.ip().into())
    };
    if names.contains(&here) {
        return Some((written(&here), None));
    }
    let name = written(names.first()?);
    let detour = format!("{name}:{}", written(&here));
    Some((name, Some(detour)))
}

fn write_use(f: &mut fmt::Formatter<'_>, Verified { curl, url }: &Verified) -> fmt::Result {
    writeln!(
        f,
        "  try: {curl} -d '{{\"variable\":\"{VARIABLE}\"}}' {url}/"
    )?;
    writeln!(f, "       {curl} -i '{url}/?variable={VARIABLE}'")
}

fn write_use_with_token(
    f: &mut fmt::Formatter<'_>,
    (Verified { curl, url }, identity): (&Verified, &KubernetesIdentity),
) -> fmt::Result {
    let token = match &identity.operator {
        Some(ObjectRef { namespace, name }) => {
            format!("kubectl create token {name} --namespace {namespace} --audience oncue")
        }
        None => "kubectl create token default --audience oncue".to_owned(),
    };
    writeln!(f, "  try: TOKEN=$({token})")?;
    writeln!(
        f,
        "       {curl} -H \"Authorization: Bearer $TOKEN\" {url}/v1/identity"
    )
}

/// Writes who may use plain HTTP.
fn write_plain(
    f: &mut fmt::Formatter<'_>,
    (url, identity): (&str, &KubernetesIdentity),
) -> fmt::Result {
    let namespaces = identity.plain_namespaces.iter().map(ToString::to_string);
    let namespaces: Vec<_> = namespaces.collect();
    if !namespaces.is_empty() {
        let namespaces = namespaces.join(", ");
        writeln!(
            f,
            "         {url} for anyone, in the namespaces {namespaces}"
        )?;
    }
    if identity.accepts_plain {
        writeln!(
            f,
            "         {url} for pods that were injected without a token"
        )?;
    }
    Ok(())
}

const VARIABLE: &str = "first/container";

/// The smallest review that is answered with a patch.
pub(crate) const EXAMPLE: &str = concat!(
    r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","#,
    r#""request":{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},"#,
    r#""operation":"CREATE","namespace":"default","#,
    r#""object":{"metadata":{"annotations":{"depends-on":"first/container"}},"#,
    r#""spec":{"containers":[{"name":"main"}]}}}}"#
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServeSettings;

    fn addresses(store: &str) -> Addresses {
        Addresses {
            store: Some(store.parse().unwrap()),
            webhook: None,
            admin: "127.0.0.1:9998".parse().unwrap(),
        }
    }

    fn place(name: &str) -> ObjectRef {
        ObjectRef {
            namespace: "oncue-system".parse().unwrap(),
            name: name.parse().unwrap(),
        }
    }

    fn mk_config() -> Config {
        Config::resolve(ServeSettings::default()).unwrap()
    }

    #[test]
    fn a_store_in_a_cluster_is_reached_over_tls_with_a_token() {
        let identity = KubernetesIdentity {
            operator: Some(place("oncue-operator")),
            accepts_plain: false,
            plain_namespaces: ["legacy".parse().unwrap()].into(),
        };
        let config = Config {
            certificates: CertificatePlace::Secret(place("oncue-webhook-ca")),
            store_names: vec!["oncue-store.oncue-system.svc".try_into().unwrap()],
            identity: Identity::Kubernetes(identity),
            ..mk_config()
        };
        let banner = Banner::new(&config, addresses("[::]:9999")).to_string();
        let expected = "\
store    https://oncue-store.oncue-system.svc:9999
  get: kubectl get secret oncue-webhook-ca --namespace oncue-system --output 'jsonpath={.data.ca\\.crt}' | base64 -d >ca.crt
  try: TOKEN=$(kubectl create token oncue-operator --namespace oncue-system --audience oncue)
       curl --cacert ca.crt --connect-to oncue-store.oncue-system.svc:9999:localhost:9999 \
             -H \"Authorization: Bearer $TOKEN\" https://oncue-store.oncue-system.svc:9999/v1/identity
         http://[::]:9999 for anyone, in the namespaces legacy
admin    http://127.0.0.1:9998/readyz http://127.0.0.1:9998/metrics
";
        assert_eq!(banner, expected);
    }

    #[test]
    fn plain_http_is_named_only_where_it_is_open() {
        let mut config = mk_config();
        let banner = |config: &Config| Banner::new(config, addresses("127.0.0.1:1")).to_string();
        assert!(banner(&config).contains("store    http://127.0.0.1:1\n"));
        config.store_names = vec!["127.0.0.1".try_into().unwrap()];
        let both = banner(&config);
        assert!(
            both.contains("store    https://127.0.0.1:1 http://127.0.0.1:1\n"),
            "{both}"
        );
        assert!(
            both.contains("curl --cacert oncue-data/ca.crt -d "),
            "{both}"
        );
        for (accepts_plain, says) in [(false, false), (true, true)] {
            config.identity = Identity::Kubernetes(KubernetesIdentity {
                accepts_plain,
                ..KubernetesIdentity::default()
            });
            let text = banner(&config);
            assert!(text.contains("store    https://127.0.0.1:1\n"), "{text}");
            assert_eq!(text.contains("http://127.0.0.1:1"), says, "{text}");
        }
    }
}

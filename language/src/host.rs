//! What the host of a probe means: the machine that asks, or a Service of the cluster.

use std::net::IpAddr;

use crate::{
    name::{Namespace, is_dns_label},
    object::{ObjectKey, ObjectKind},
};

/// Returns whether a host is the loopback: an address of it, in brackets or not, or a name that
/// RFC 6761 reserves for it.
///
/// ```
/// use oncue_language::host::is_loopback;
///
/// assert!(["127.0.0.9", "[::1]", "::ffff:127.0.0.1", "LOCALHOST.", "db.localhost"]
///     .into_iter()
///     .all(is_loopback));
/// assert!(!["10.0.0.1", "localhost.example", "notlocalhost", ""].into_iter().any(is_loopback));
/// ```
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// One meaning that a host name can have in a cluster: a Service, or one pod behind it. The texts
/// are as in the host name, in upper or lower case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ServiceHost<'h> {
    /// The host name of the pod; `None` if any pod behind the Service is meant.
    pub pod: Option<&'h str>,
    /// The name of the Service.
    pub service: &'h str,
    /// The namespace of the Service.
    pub namespace: &'h str,
}

/// Returns what `host` can mean in a pod of the namespace `from`, in the order in which the pod's
/// resolver tries its search domains. No namespace and no Service needs to exist.
///
/// The domain of a cluster is configurable, and the caller may not know it: after `.svc`, any domain
/// counts.
pub fn service_hosts<'h>(host: &'h str, from: &'h Namespace) -> Vec<ServiceHost<'h>> {
    let absolute = host.strip_suffix('.');
    let labels: Vec<_> = absolute.unwrap_or(host).split('.').collect();
    let mut meanings = Vec::new();
    if absolute.is_none() {
        meanings.extend(service_host(&[&labels[..], &[from.as_str()]].concat()));
        meanings.extend(service_host(&labels));
        meanings.extend(before_svc(&labels, End::Here).and_then(service_host));
    }
    meanings.extend(before_svc(&labels, End::Domain).and_then(service_host));
    meanings
}

/// Returns the Service that a pod of the namespace `from` reaches by the name `host`, if there is
/// such a Service; `None` for an address, for the loopback, and for names of pods. A name of two
/// labels is that of a pod if the first label ends in a number, as the pods of a `StatefulSet` do.
///
/// ```
/// use oncue_language::{Namespace, host::service_of};
///
/// let shop: Namespace = "shop".parse()?;
/// let service = |host| service_of(host, &shop).map(|service| service.to_string());
/// for host in ["redis", "Redis.shop", "redis.shop.svc", "redis.shop.svc.cluster.local."] {
///     assert_eq!(service(host).as_deref(), Some("service:redis@shop"));
/// }
/// assert_eq!(service("redis-0.redis.shop.svc"), None);
/// # Ok::<(), oncue_language::name::NamespaceError>(())
/// ```
pub fn service_of(host: &str, from: &Namespace) -> Option<ObjectKey> {
    if is_loopback(host) {
        return None;
    }
    let two_labels = host.split_once('.').filter(|(_, rest)| !rest.contains('.'));
    if two_labels.is_some_and(|(pod, _)| is_numbered(pod)) {
        return None;
    }
    let mut meanings = service_hosts(host, from).into_iter();
    let ServiceHost {
        service, namespace, ..
    } = meanings.find(|meaning| meaning.pod.is_none())?;
    let name = service.to_ascii_lowercase();
    let namespace = namespace.to_ascii_lowercase().parse().ok()?;
    is_dns_label(&name).then(|| ObjectKey::named(ObjectKind::Service, Some(namespace), &name))
}

/// Returns whether a name ends in a number, as that of the pod `db-0`.
fn is_numbered(pod: &str) -> bool {
    let number = pod.rsplit_once('-').map(|(_, number)| number);
    number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Reads `SERVICE.NAMESPACE`, or `POD.SERVICE.NAMESPACE`.
fn service_host<'h>(labels: &[&'h str]) -> Option<ServiceHost<'h>> {
    let (pod, service, namespace) = match *labels {
        [service, namespace] => (None, service, namespace),
        [pod, service, namespace] => (Some(pod), service, namespace),
        _ => return None,
    };
    Some(ServiceHost {
        pod,
        service,
        namespace,
    })
}

/// What comes after the label `svc`.
#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    /// The domain of the cluster.
    Domain,
    /// Nothing.
    Here,
}

/// Returns the labels before `svc`, which are two or three.
fn before_svc<'a, 'h>(labels: &'a [&'h str], end: End) -> Option<&'a [&'h str]> {
    let is_svc = |at: &usize| {
        let svc = labels
            .get(*at)
            .is_some_and(|it| it.eq_ignore_ascii_case("svc"));
        svc && (labels.len() == at + 1) == (end == End::Here)
    };
    [2, 3].into_iter().find(is_svc).map(|at| &labels[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_that_cluster_dns_accepts_leads_to_its_service() {
        let shop: Namespace = "shop".parse().unwrap();
        for (host, expected) in [
            ("redis", Some("service:redis@shop")),
            ("REDIS", Some("service:redis@shop")),
            ("redis.other", Some("service:redis@other")),
            ("redis.Other.Svc", Some("service:redis@other")),
            ("redis.other.svc.cluster.local", Some("service:redis@other")),
            (
                "redis.other.svc.cluster.local.",
                Some("service:redis@other"),
            ),
            ("redis.other.svc.k8s", Some("service:redis@other")),
            (
                "redis.other.svc.k8s.example.com",
                Some("service:redis@other"),
            ),
            ("redis-0", Some("service:redis-0@shop")),
            ("redis-a.other", Some("service:redis-a@other")),
            ("redis-0.other.svc", Some("service:redis-0@other")),
            // Of another kind, or of nothing in a cluster.
            ("redis-0.redis", None),
            ("redis-0.redis.other", None),
            ("redis.", None),
            ("redis.other.", None),
            ("redis.other.svc.", None),
            ("redis-0.redis.other.svc", None),
            ("redis-0.redis.other.svc.cluster.local", None),
            ("db.example.com", None),
            ("svc.cluster.local", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("10.0.0.1", None),
            ("::1", None),
            ("2001:db8::1", None),
            ("my_redis", None),
            ("redis.my_shop", None),
            ("", None),
            (".", None),
        ] {
            let service = service_of(host, &shop).map(|service| service.to_string());
            assert_eq!(service.as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn a_resolver_tries_the_own_namespace_first() {
        let from: Namespace = "shop".parse().unwrap();
        let meanings: Vec<_> = service_hosts("db-0.db", &from)
            .into_iter()
            .map(|it| (it.pod, it.service, it.namespace))
            .collect();
        assert_eq!(
            meanings,
            [(Some("db-0"), "db", "shop"), (None, "db-0", "db")]
        );
    }
}

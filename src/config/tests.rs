//! Where settings come from, and which of them wins.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::{
    injection::{Controller, Proof, Scope},
    language::annotation::BareKeys,
};

#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    settings: ServeSettings,
}

fn flags(args: &[&str]) -> ServeSettings {
    let name = std::iter::once(&"oncue");
    Flags::try_parse_from(name.chain(args)).unwrap().settings
}

fn refused(args: &[&str]) -> String {
    let name = std::iter::once(&"oncue");
    let refusal = Flags::try_parse_from(name.chain(args)).unwrap_err();
    refusal.to_string()
}

fn mk_file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("oncue.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn file_settings(text: &str) -> Result<ServeSettings, String> {
    let (_folder, path) = mk_file(text);
    file::read(&path).map_err(|error| {
        let folder = format!("{}/", path.parent().unwrap().display());
        error.to_string().replace(&folder, "")
    })
}

#[test]
fn defaults_are_a_laptops() {
    let config = Config::resolve(ServeSettings::default()).unwrap();
    assert_eq!(config.http.to_string(), "127.0.0.1:9999");
    assert_eq!(config.webhook.to_string(), "127.0.0.1:8443");
    assert_eq!(config.admin.to_string(), "127.0.0.1:9998");
    assert_eq!(config.data, PathBuf::from("oncue-data"));
    assert_eq!(config.store, StoreKind::Embedded);
    assert!(config.roles.contains(&Role::Store) && config.roles.contains(&Role::Webhook));
    let names: Vec<_> = config.names.iter().map(ServerName::to_str).collect();
    assert_eq!(names, ["localhost", "127.0.0.1", "::1"]);
    let injection = config.inject.resolve(config.http).unwrap();
    assert_eq!(injection.store.url, "http://127.0.0.1:9999");
}

#[test]
fn an_unknown_backend_is_refused_with_those_that_there_are() {
    let flag = refused(&["--store", "etcd"]);
    let file = file_settings("store: etcd").unwrap_err();
    for refusal in [flag, file] {
        for backend in ["etcd", "embedded", "kubernetes", "memory"] {
            assert!(refusal.contains(backend), "{backend}: {refusal}");
        }
    }
}

#[test]
fn a_store_in_the_cluster_keeps_nothing_in_a_folder_and_needs_the_cluster() {
    let args = ["--store", "kubernetes", "--roles", "store"];
    let own = ["--lease", "oncue", "--inject-own-namespace", "oncue-system"];
    let config = Config::resolve(flags(&[args, own].concat())).unwrap();
    assert!(config.needs_cluster() && !config.keeps_data());
    let error = Config::resolve(flags(&args)).unwrap_err();
    assert_eq!(error, ConfigError::NoLease);
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let below = file_settings("http: 0.0.0.0:1\nadmin: 0.0.0.0:2\ninject: {image: file}").unwrap();
    let above = flags(&[
        "--http",
        "0.0.0.0:3",
        "--anyone-may-signal",
        "--inject-image",
        "flag",
    ]);
    let config = Config::resolve(above.over(below)).unwrap();
    assert_eq!(config.http.port(), 3);
    assert_eq!(config.admin.port(), 2);
    assert_eq!(config.webhook.port(), 8443);
    let injection = config.inject.resolve(config.http).unwrap();
    assert_eq!(injection.image.reference, "flag");
}

/// Returns the settings of a file that has all of them; `ca` is a file with a certificate.
fn every_setting(ca: &Path) -> ServeSettings {
    let text = format!(
        "
roles: [webhook]
lease: oncue-store
cross-namespace: annotated
readable-by-all: [kube-system, shared]
data: /var/lib/oncue
store: memory
http: '[::]:1'
identity: kubernetes
operator: oncue-operator
accept-plain: true
plain-namespaces: [legacy]
anyone-may-signal: false
webhook: '[::]:2'
webhook-name: [oncue.svc, 10.0.0.1]
ca-secret: oncue-webhook-ca
store-name: [oncue-store.oncue-system.svc]
authority-validity: 1h
leaf-validity: 10m
webhook-lease: oncue-webhook
webhook-configuration: oncue
validating-webhook-configuration: oncue-checks
lint-strict: true
admin: '[::]:3'
memory-limit: 512Mi
linger: 5s
log: debug
log-format: json
inject:
  image: registry.example/client
  pull-policy: Always
  pull-secrets: [registry]
  store-url: https://oncue-store:9999
  store-service: oncue-store
  store-ca: {}
  identity: true
  resources: requests.cpu=20m
  run-as-user: 65532
  prefix: example.com
  bare-keys: false
  controller: true
  gates: false
  secrets: false
  own-namespace: oncue-system
",
        ca.display()
    );
    file_settings(&text).unwrap()
}

#[test]
fn the_file_holds_every_setting() {
    let settings = every_setting(Path::new("/nowhere"));
    assert_eq!(settings.log(), Some("debug"));
    assert_eq!(settings.log_format(), LogFormat::Json);
    let config = Config::resolve(settings).unwrap();
    assert!(!config.roles.contains(&Role::Store));
    let policy = config.policy().unwrap();
    assert_eq!(policy.annotation(), "example.com/readable-from");
    let webhook = config.memory.webhook.unwrap();
    assert!((1 << 27..1 << 28).contains(&webhook.linting), "{webhook:?}");
    assert_eq!(config.linger, Duration::from_secs(5));
    assert_eq!(config.names[1].to_str(), "10.0.0.1");
    let CertificatePlace::Secret(secret) = config.certificates else {
        panic!("{:?}", config.certificates)
    };
    assert_eq!(secret.to_string(), "oncue-system/oncue-webhook-ca");
    assert_eq!(
        config.store_names[0].to_str(),
        "oncue-store.oncue-system.svc"
    );
    assert_eq!(config.profile.authority_validity, Duration::from_hours(1));
    assert_eq!(config.profile.leaf_validity, Duration::from_mins(10));
    let configurations = config.webhook_configurations.iter();
    let configurations: Vec<_> = configurations.map(ToString::to_string).collect();
    let expected = [
        "MutatingWebhookConfiguration oncue",
        "ValidatingWebhookConfiguration oncue-checks",
    ];
    assert_eq!(configurations, expected);
    let lease = config.webhook_lease.unwrap();
    assert_eq!(lease.to_string(), "oncue-system/oncue-webhook");
    let service = config.store_service.unwrap();
    assert_eq!(service.to_string(), "oncue-system/oncue-store");
    let Identity::Kubernetes(identity) = config.identity else {
        panic!("{:?}", config.identity)
    };
    let operator = identity.operator.unwrap();
    assert_eq!(operator.to_string(), "oncue-system/oncue-operator");
    assert!(identity.accepts_plain);
    assert!(
        identity
            .plain_namespaces
            .contains(&"legacy".parse().unwrap())
    );
    let lease = config.lease.unwrap();
    assert_eq!(lease.to_string(), "oncue-system/oncue-store");
    assert_eq!(config.cross_namespace, CrossNamespace::Annotated);
    let shared: Vec<_> = config
        .readable_by_all
        .iter()
        .map(Namespace::as_str)
        .collect();
    assert_eq!(shared, ["kube-system", "shared"]);
    assert_eq!(config.lint, Strictness::Deny);
}

#[test]
fn the_file_holds_every_setting_of_the_injection() {
    let (_folder, ca) = mk_file("a certificate");
    let config = Config::resolve(every_setting(&ca)).unwrap();
    let injection = config.inject.resolve(config.http).unwrap();
    assert_eq!(injection.keys.prefix(), "example.com");
    assert_eq!(injection.keys.bare(), BareKeys::Ignored);
    assert_eq!(injection.controller, Controller::WithoutGates);
    assert_eq!(injection.proof, Proof::Token);
    assert_eq!(injection.run_as_user, "65532".parse().ok());
    assert_eq!(injection.image.pull_secrets, ["registry"]);
    assert_eq!(injection.store.ca_pem.as_deref(), Some("a certificate"));
    assert_eq!(injection.own_namespace.unwrap().as_str(), "oncue-system");
}

#[test]
fn an_empty_file_says_nothing() {
    let settings = file_settings("# nothing\n").unwrap();
    assert_eq!(Config::resolve(settings).unwrap().http.port(), 9999);
}

#[test]
fn mistakes_in_the_file_have_a_place() {
    for (text, place, reason) in [
        ("http: 0.0.0.0:1\nhtpp: 1\n", "oncue.yaml:2:1: ", "htpp"),
        ("inject:\n  imag: x\n", "oncue.yaml:2:3: ", "imag"),
        (
            "inject:\n  run-as-user: 0\n",
            "oncue.yaml:2:3: ",
            "since root is refused",
        ),
        (
            "roles: [webhook,\n  janitor]\n",
            "oncue.yaml:2:3: ",
            "janitor",
        ),
        ("linger: soon\n", "oncue.yaml:1:1: ", "soon"),
        (
            "cross-namespace: closed\n",
            "oncue.yaml:1:1: ",
            "it is annotated or open",
        ),
        (
            "readable-by-all: [a,\n  Kube_System]\n",
            "oncue.yaml:2:3: ",
            "\"Kube_System\" is not a namespace",
        ),
        ("http: {\n", "oncue.yaml:", ""),
        ("a: 1\n---\nb: 2\n", "oncue.yaml: ", "expected one document"),
    ] {
        let error = file_settings(text).unwrap_err();
        assert!(error.starts_with(place), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = file::read("/nowhere/oncue.yaml".as_ref()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to read the configuration file /nowhere/oncue.yaml"
    );
}

#[test]
fn a_controller_needs_the_store_that_it_feeds_and_a_cluster() {
    let args = ["--roles", "webhook,controller"];
    let error = Config::resolve(flags(&args)).unwrap_err();
    assert_eq!(error, ConfigError::ControllerWithoutStore);
    for (roles, needs_cluster) in [("store,controller", true), ("store", false)] {
        let config = Config::resolve(flags(&["--roles", roles])).unwrap();
        assert_eq!(config.needs_cluster(), needs_cluster, "{roles}");
    }
}

#[test]
fn a_lease_needs_its_namespace_and_a_cluster() {
    let lease = ["--lease", "oncue", "--roles"];
    let flags = |args: &[&str]| flags(&[&lease, args].concat());
    let error = Config::resolve(flags(&["store"])).unwrap_err().to_string();
    assert!(
        error.starts_with("--lease needs --inject-own-namespace"),
        "{error}"
    );
    for (roles, needs_cluster) in [("store", true), ("webhook", false)] {
        let args = [roles, "--inject-own-namespace", "oncue-system"];
        let config = Config::resolve(flags(&args)).unwrap();
        assert_eq!(config.needs_cluster(), needs_cluster, "{roles}");
    }
}

#[test]
fn a_store_that_does_not_learn_who_calls_listens_on_loopback_only_unless_that_is_accepted() {
    let resolve = |args: &[&str]| Config::resolve(flags(args)).and_then(Config::for_serving);
    for loopback in [
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        assert!(resolve(&["--http", loopback]).is_ok(), "{loopback}");
    }
    let kubernetes = ["--identity", "kubernetes", "--operator", "oncue-operator"];
    let own = ["--inject-own-namespace", "oncue-system"];
    let kubernetes = [&kubernetes[..], &own, &["--store-name", "store.example"]].concat();
    for address in ["0.0.0.0:1", "[::]:1", "10.0.0.7:1"] {
        let http = ["--http", address];
        let error = resolve(&http).unwrap_err().to_string();
        assert!(error.contains(address), "{error}");
        assert!(error.contains("--anyone-may-signal"), "{error}");
        for accepted in [
            &["--anyone-may-signal"][..],
            &["--anyone-may-signal=true"],
            &["--roles", "webhook"],
            &kubernetes,
        ] {
            assert!(resolve(&[&http, accepted].concat()).is_ok(), "{accepted:?}");
        }
        assert!(resolve(&[&http[..], &["--anyone-may-signal=false"]].concat()).is_err());
    }
}

#[test]
fn a_store_that_asks_for_tokens_speaks_tls_and_its_pods_get_one() {
    let config = |args: &[&str]| Config::resolve(flags(&[&KUBERNETES[..], args].concat()));
    let both = config(&[]).unwrap();
    assert!(both.store_speaks_tls());
    assert_eq!(both.store_names, both.names);
    let origin = both.store_origin(both.http);
    let injected = both.inject.resolve(origin).unwrap();
    assert_eq!(injected.proof, Proof::Token);
    assert_eq!(injected.store.url, "https://127.0.0.1:9999");

    let named = config(&["--http", "[::]:1", "--store-name", "store.example"]).unwrap();
    assert_eq!(named.store_names, ["store.example".try_into().unwrap()]);
    let address = config(&["--http", "10.0.0.7:1"]).unwrap().store_names;
    assert!(address.contains(&"10.0.0.7".try_into().unwrap()));
    let unnamed = config(&["--http", "[::]:1"]).unwrap();
    let error = unnamed.for_serving().unwrap_err().to_string();
    assert!(
        error.contains("--identity kubernetes needs --store-name"),
        "{error}"
    );

    let apart = config(&["--roles", "webhook"]).unwrap();
    let error = apart.inject.resolve(apart.http).unwrap_err().to_string();
    assert!(
        error.contains("set --inject-store-url to its https:// URL"),
        "{error}"
    );
}

const KUBERNETES: [&str; 2] = ["--identity", "kubernetes"];

#[test]
fn pods_without_a_token_are_refused_where_the_store_asks_for_one() {
    let resolve = |args: &[&str]| {
        let without = ["--inject-identity", "false"];
        Config::resolve(flags(&[&KUBERNETES[..], &without, args].concat()))
    };
    let error = resolve(&[]).unwrap_err().to_string();
    assert!(
        error.starts_with("--inject-identity false gives pods no token"),
        "{error}"
    );
    for accepted in [
        ["--accept-plain", "true"],
        ["--inject-store-url", "http://another:9999"],
    ] {
        let config = resolve(&accepted).unwrap();
        let proof = config.inject.resolve(config.http).unwrap().proof;
        assert_eq!(proof, Proof::None);
    }
}

#[test]
fn a_store_that_asks_for_tokens_needs_a_cluster() {
    let config = |args: &[&str]| Config::resolve(flags(args)).unwrap();
    assert!(config(&["--identity", "kubernetes"]).needs_cluster());
    assert!(!config(&["--identity", "none"]).needs_cluster());
    assert!(!config(&["--identity", "kubernetes", "--roles", "webhook"]).needs_cluster());
}

#[test]
fn wrong_flags_say_what_would_be_right() {
    for (args, hint) in [
        (["--linger", "soon"], "soon"),
        (
            ["--webhook-name", "a b"],
            "neither a DNS name nor an IP address",
        ),
        (["--inject-pull-policy", "Often"], "IfNotPresent"),
        (["--inject-own-namespace", "Shop"], "Shop"),
        (["--inject-excluded-namespaces", "a,B"], "B"),
        (["--store", "disk"], "embedded"),
        (["--ca-secret", "My Secret"], "DNS subdomain"),
        (["--identity", "ldap"], "kubernetes"),
        (["--operator", "My Account"], "DNS subdomain"),
        (["--plain-namespaces", "shop,Till"], "Till"),
    ] {
        let text = refused(&args);
        assert!(text.contains(hint), "{text}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let own = ["--inject-own-namespace", "oncue-system"];
    let service = ["--inject-store-service", "store"];
    for (args, text) in [
        (
            vec!["--ca-secret", "ca"],
            "--ca-secret needs --inject-own-namespace",
        ),
        (
            service.to_vec(),
            "--inject-store-service needs --inject-own-namespace",
        ),
        (
            [&own[..], &service, &["--inject-store-ip", "10.0.0.1"]].concat(),
            "choose one",
        ),
        (
            vec!["--identity", "kubernetes", "--operator", "o"],
            "--operator needs --inject-own-namespace",
        ),
        (
            vec!["--accept-plain", "true"],
            "--accept-plain needs --identity kubernetes",
        ),
        (
            vec!["--plain-namespaces", "a"],
            "--plain-namespaces needs --identity kubernetes",
        ),
        (
            [&own[..], &["--ca-secret", "ca", "--tls-secret", "tls"]].concat(),
            "each say where certificates come from: choose one",
        ),
        (vec!["--tls-cert", "a", "--tls-key", "b"], "set all three"),
        (
            vec!["--tls-secret", "tls"],
            "--tls-secret needs --inject-own-namespace",
        ),
        (
            vec!["--webhook-lease", "lease"],
            "--webhook-lease needs --inject-own-namespace",
        ),
        (
            vec!["--leaf-validity", "59s"],
            "--leaf-validity is below 1m",
        ),
    ] {
        let error = Config::resolve(flags(&args)).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn only_a_webhook_that_shares_something_needs_a_cluster() {
    let config = |args: &[&str]| Config::resolve(flags(args)).unwrap();
    let own = ["--inject-own-namespace", "oncue-system"];
    assert!(!config(&own).needs_cluster());
    assert!(config(&["--webhook-configuration", "oncue"]).needs_cluster());
    let secret = [&own[..], &["--ca-secret", "ca"]].concat();
    assert!(config(&secret).needs_cluster());
    let store = [&secret[..], &["--roles", "store"]].concat();
    assert!(!config(&store).needs_cluster());
    let over_tls = [&store[..], &["--store-name", "store.svc"]].concat();
    assert!(config(&over_tls).needs_cluster());
}

#[test]
fn a_webhook_whose_authority_is_in_a_secret_needs_no_folder() {
    let config = |args: &[&str]| Config::resolve(flags(args)).unwrap();
    assert!(config(&["--roles", "webhook"]).keeps_data());
    let args = "--roles webhook --ca-secret ca --inject-own-namespace ns";
    assert!(!config(&args.split(' ').collect::<Vec<_>>()).keeps_data());
    assert!(!config(&["--roles", "store", "--store", "memory"]).keeps_data());
    assert!(config(&["--roles", "store"]).keeps_data());
}

#[test]
fn a_request_raises_a_limit_that_is_not_set() {
    let resolve = |text| {
        let config = Config::resolve(flags(&["--inject-resources", text])).unwrap();
        config.inject.resolve(config.http)
    };
    let cpu = resolve("requests.cpu=250m").unwrap().resources.limits.cpu;
    assert_eq!(cpu.to_string(), "250m");
    let error = resolve("requests.cpu=250m, limits.cpu=200m").unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(error.to_string(), "--inject-resources");
    assert!(
        source.contains("above its limit, which is 200m"),
        "{source}"
    );
}

#[test]
fn what_only_shows_later_names_its_flag() {
    for (args, flag) in [
        (["--inject-prefix", "a/b"], "--inject-prefix"),
        (["--inject-resources", "lots"], "--inject-resources"),
        (["--inject-store-ca", "/nowhere"], "--inject-store-ca"),
        // The default URL is http://.
        (["--inject-identity", "true"], "--inject-identity"),
    ] {
        let config = Config::resolve(flags(&args)).unwrap();
        let error = config.inject.resolve(config.http).unwrap_err();
        assert!(error.to_string().starts_with(flag), "{error}");
    }
}

#[test]
fn a_memory_limit_that_is_too_small_is_refused() {
    let settings = flags(&["--memory-limit", "16Mi"]);
    let error = Config::resolve(settings).unwrap_err().to_string();
    assert!(
        error.starts_with("a memory limit of 16 MiB is too small: at least"),
        "{error}"
    );
    assert!(refused(&["--memory-limit", "plenty"]).contains("write one such as 512Mi"));
}

#[test]
fn a_policy_for_other_namespaces_names_namespaces_and_needs_a_cluster() {
    let refusal = refused(&["--readable-by-all", "a,B_"]);
    assert!(refusal.contains("\"B_\" is not a namespace"), "{refusal}");
    let refusal = refused(&["--cross-namespace", "closed"]);
    assert!(refusal.contains("it is annotated or open"), "{refusal}");

    let annotated = ["--cross-namespace", "annotated", "--readable-by-all", "a,b"];
    let config = Config::resolve(flags(&annotated)).unwrap();
    let error = config.for_serving().unwrap_err();
    assert_eq!(error, ConfigError::NoNamespaces);
    let roles = ["--roles", "store,controller"];
    let config = Config::resolve(flags(&[&annotated[..], &roles].concat())).unwrap();
    let config = config.for_serving().unwrap();
    assert_eq!(config.readable_by_all.len(), 2);
    let open = Config::resolve(flags(&[])).unwrap();
    assert_eq!(open.cross_namespace, CrossNamespace::Open);
}

#[test]
fn namespaces_are_excluded_by_name_and_by_label() {
    let scope = |text: &str| {
        let config = Config::resolve(file_settings(text).unwrap()).unwrap();
        config.inject.resolve(config.http).unwrap().scope
    };
    let excludes = |scope: &Scope, name: &str| scope.excludes(&name.parse().unwrap());
    let default = scope("http: 127.0.0.1:1");
    assert!(excludes(&default, "kube-system") && !excludes(&default, "shop"));
    let mut named = scope(
        "inject:\n  excluded-namespaces: [shop]\n  namespace-selector: \
         [{key: team, operator: Exists}]",
    );
    assert!(excludes(&named, "shop") && !excludes(&named, "till"));
    named.learn(&"till".parse().unwrap(), &BTreeMap::default());
    assert!(excludes(&named, "till"));
}

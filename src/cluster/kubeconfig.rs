//! Finds the cluster that is meant, by the rules of `kubectl`.

use std::{env, path::PathBuf};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::{
    Config,
    config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use oncue_client::environment::Environment;
use oncue_language::host::is_loopback;

/// Which cluster is meant; by default the one that `kubectl` would talk to: that of the
/// kubeconfig, and in a pod without one its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct WhichCluster {
    /// The kubeconfig file; by default those of `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it; by default the current one.
    pub context: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// A kubeconfig describes it.
    Kubeconfig {
        /// All of the kubeconfig.
        kubeconfig: Box<Kubeconfig>,
        /// The context that is meant.
        context: String,
    },
    /// A pod of it is around us.
    Pod,
}

impl WhichCluster {
    /// Returns whether a cluster is named, rather than the one at hand taken.
    pub(crate) fn is_named(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }

    /// Finds it; `None` where none is named and none is at hand.
    ///
    /// A kubeconfig without a current context describes none: that is what `kind` and others
    /// leave behind.
    pub(crate) fn find(self, environment: &Environment) -> Result<Option<Found>, FindError> {
        let is_named = self.is_named();
        let kubeconfig = match self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path)?,
            None => at_hand(environment)?,
        };
        let current = kubeconfig.current_context.clone();
        match self.context.or(current.filter(|name| !name.is_empty())) {
            Some(context) => found(kubeconfig, context).map(Some),
            None if is_named => Err(FindError::NoCurrentContext),
            None => Ok(environment.non_empty(POD_VARIABLE).map(|_| Found::Pod)),
        }
    }
}

impl Found {
    /// Returns the cluster's address and the credentials for it.
    pub(crate) async fn config(self) -> Result<Config, FindError> {
        match self {
            Self::Kubeconfig {
                kubeconfig,
                context,
            } => {
                let names_proxy = names_proxy(&kubeconfig, &context);
                let options = KubeConfigOptions {
                    context: Some(context),
                    ..KubeConfigOptions::default()
                };
                let mut config = Config::from_custom_kubeconfig(*kubeconfig, &options).await?;
                if !names_proxy && is_direct(&config.cluster_url, &Matcher::from_env()) {
                    config.proxy_url = None;
                }
                Ok(config)
            }
            Self::Pod => Config::incluster().map_err(FindError::Pod),
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kubeconfig { context, .. } => write!(f, "the cluster of the context {context}"),
            Self::Pod => f.write_str("this pod's own cluster"),
        }
    }
}

/// Why no cluster is found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    /// The kubeconfig cannot be used.
    #[error("failed to use the kubeconfig: {0}")]
    // The cause is part of its own text.
    Kubeconfig(Box<KubeconfigError>),
    /// A kubeconfig that is named says of no context that it is meant.
    #[error("the kubeconfig has no current context: name one with --context")]
    NoCurrentContext,
    /// A context that is not there.
    #[error("there is no context {context} in the kubeconfig: {known}")]
    NoSuchContext {
        /// The context that is named.
        context: String,
        /// What there is, in words.
        known: String,
    },
    /// The pod around us has no service account that could be used.
    #[error("failed to use the service account of this pod: {0}")]
    Pod(InClusterError),
}

impl From<KubeconfigError> for FindError {
    fn from(error: KubeconfigError) -> Self {
        Self::Kubeconfig(Box::new(error))
    }
}

/// Reads the default kubeconfig. Missing files are ignored.
fn at_hand(environment: &Environment) -> Result<Kubeconfig, KubeconfigError> {
    let files = files(environment).into_iter().filter(|path| path.exists());
    files
        .into_iter()
        .try_fold(Kubeconfig::default(), |all, path| {
            all.merge(Kubeconfig::read_from(path)?)
        })
}

fn files(environment: &Environment) -> Vec<PathBuf> {
    if let Some(list) = environment.non_empty("KUBECONFIG") {
        let paths = env::split_paths(list);
        return paths.filter(|path| !path.as_os_str().is_empty()).collect();
    }
    let home = environment.non_empty(HOME_VARIABLE);
    home.map(|home| PathBuf::from(home).join(".kube/config"))
        .into_iter()
        .collect()
}

fn found(kubeconfig: Kubeconfig, context: String) -> Result<Found, FindError> {
    let names = kubeconfig.contexts.iter().map(|known| known.name.as_str());
    let names: Vec<_> = names.collect();
    if names.contains(&context.as_str()) {
        return Ok(Found::Kubeconfig {
            kubeconfig: Box::new(kubeconfig),
            context,
        });
    }
    let known = match names.as_slice() {
        [] => "there are none".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    Err(FindError::NoSuchContext { context, known })
}

/// Returns whether the kubeconfig itself says through which proxy the cluster is reached.
fn names_proxy(kubeconfig: &Kubeconfig, context: &str) -> bool {
    let mut contexts = kubeconfig.contexts.iter();
    let context = contexts.find(|known| known.name == context);
    let Some(context) = context.and_then(|known| known.context.as_ref()) else {
        return false;
    };
    let mut clusters = kubeconfig.clusters.iter();
    let cluster = clusters.find(|known| known.name == context.cluster);
    let cluster = cluster.and_then(|known| known.cluster.as_ref());
    cluster.is_some_and(|cluster| cluster.proxy_url.is_some())
}

/// Returns whether the proxy of the environment is not for this URL: the client holds `NO_PROXY`
/// against the proxy's own name, and no proxy leads to this machine.
fn is_direct(url: &Uri, proxies: &Matcher) -> bool {
    let host = url.host().unwrap_or_default();
    is_loopback(host) || proxies.intercept(url).is_none()
}

/// Set in every pod.
const POD_VARIABLE: &str = "KUBERNETES_SERVICE_HOST";
const HOME_VARIABLE: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn mk_kubeconfig(folder: &Path, name: &str, current: &str) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!(
            "{{current-context: '{current}', contexts: [{{name: {name}, context: {{cluster: c}}}}],
               clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]}}"
        );
        fs::write(&path, text).unwrap();
        path
    }

    fn mk_environment(variables: &[(&str, &Path)]) -> Environment {
        let variables = variables.iter();
        variables
            .map(|(name, value)| (*name, value.display().to_string()))
            .collect()
    }

    fn find(which: WhichCluster, environment: &Environment) -> String {
        match which.find(environment) {
            Ok(None) => "none".to_owned(),
            Ok(Some(found)) => found.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_kubeconfig_is_found_as_kubectl_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        mk_kubeconfig(home, ".kube/config", ".kube/config");
        let listed = mk_kubeconfig(home, "listed", "listed");
        let named = mk_kubeconfig(home, "named", "named");
        let in_home = mk_environment(&[("HOME", home)]);
        let in_list = mk_environment(&[("HOME", home), ("KUBECONFIG", &listed)]);
        let which = WhichCluster {
            kubeconfig: Some(named),
            context: None,
        };
        let of = |context: &str| format!("the cluster of the context {context}");
        assert_eq!(find(WhichCluster::default(), &in_home), of(".kube/config"));
        assert_eq!(find(WhichCluster::default(), &in_list), of("listed"));
        assert_eq!(find(which, &in_list), of("named"));
    }

    #[test]
    fn files_of_the_list_are_merged_and_missing_ones_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let one = mk_kubeconfig(folder.path(), "one", "one");
        let two = mk_kubeconfig(folder.path(), "two", "two");
        let list = env::join_paths([Path::new("/nowhere"), &one, &two]).unwrap();
        let environment = mk_environment(&[("KUBECONFIG", Path::new(&list))]);
        let which = WhichCluster {
            context: Some("two".to_owned()),
            ..WhichCluster::default()
        };
        assert_eq!(find(which, &environment), "the cluster of the context two");
    }

    #[test]
    fn nothing_at_hand_is_no_error() {
        let empty = Environment::default();
        assert_eq!(find(WhichCluster::default(), &empty), "none");
        let nowhere = mk_environment(&[("KUBECONFIG", Path::new("/nowhere"))]);
        assert_eq!(find(WhichCluster::default(), &nowhere), "none");
    }

    #[test]
    fn a_kubeconfig_that_says_nothing_describes_no_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let left_behind = mk_kubeconfig(folder.path(), "kind", "");
        let environment = mk_environment(&[("KUBECONFIG", &left_behind)]);
        assert_eq!(find(WhichCluster::default(), &environment), "none");
        let in_a_pod = mk_environment(&[
            ("KUBECONFIG", &left_behind),
            (POD_VARIABLE, Path::new("10.96.0.1")),
        ]);
        let found = find(WhichCluster::default(), &in_a_pod);
        assert_eq!(found, "this pod's own cluster");
    }

    #[test]
    fn what_is_named_is_not_replaced_by_another_cluster() {
        let folder = tempfile::tempdir().unwrap();
        let environment = mk_environment(&[(POD_VARIABLE, Path::new("10.96.0.1"))]);
        let file = |path: PathBuf| WhichCluster {
            kubeconfig: Some(path),
            context: None,
        };
        let missing = find(file("/nowhere/config".into()), &environment);
        assert!(missing.contains("/nowhere/config"), "{missing}");
        let left_behind = find(file(mk_kubeconfig(folder.path(), "a", "")), &environment);
        assert!(left_behind.contains("no current context"), "{left_behind}");
        let context = WhichCluster {
            context: Some("shop".to_owned()),
            ..file(mk_kubeconfig(folder.path(), "till", "till"))
        };
        let absent = find(context, &environment);
        assert!(absent.contains("no context shop"), "{absent}");
        assert!(absent.contains("there are till"), "{absent}");
    }

    #[test]
    fn the_proxy_of_the_environment_is_used_as_kubectl_uses_it() {
        let proxies = Matcher::builder();
        let proxies = proxies.https("http://proxy:3128").no("10.0.0.0/8,.inside");
        let proxies = proxies.build();
        for (url, direct) in [
            ("https://cluster.example:6443", false),
            ("https://cluster.inside", true),
            ("https://10.1.2.3:6443", true),
            ("https://127.0.0.1:6443", true),
            ("https://[::1]:6443", true),
            ("https://localhost:6443", true),
        ] {
            assert_eq!(is_direct(&url.parse().unwrap(), &proxies), direct, "{url}");
        }
    }
}

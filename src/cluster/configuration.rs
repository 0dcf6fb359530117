//! The settings of the oncue that is installed in a cluster.

use kube::Client;
use serde::Deserialize;
use serde_json::Value;

use super::{Place, Question, Resource, Unlisted, list};
use crate::{
    config::{InjectSettings, from_text},
    cross_namespace::CrossNamespace,
    language::Namespace,
    manifests::File,
};

/// What an installation is configured to do, as far as commands need to know.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Configuration {
    pub(crate) inject: InjectSettings,
    /// The rule for terms about other namespaces.
    #[serde(deserialize_with = "from_text")]
    pub(crate) cross_namespace: Option<CrossNamespace>,
    /// The namespaces about which all others may ask.
    pub(crate) readable_by_all: Vec<Namespace>,
}

/// Reads the configuration of the installation in `namespace`.
///
/// Reads only these parts of it, because this program may be older than the webhook.
pub(crate) async fn configuration(
    client: &Client,
    namespace: &Namespace,
) -> Result<Configuration, ConfigurationError> {
    let place = Place::Namespace(namespace.clone());
    let question = Question {
        labels: LABELS,
        ..Question::default()
    };
    let listed = list(client, Resource::CONFIG_MAP, &place, question).await;
    let listed = listed.map_err(|source| ConfigurationError::Find {
        namespace: namespace.clone(),
        source,
    })?;
    let text = |map: &Value| Some(map.get("data")?.get(KEY)?.as_str()?.to_owned());
    let text = listed.objects.iter().find_map(text);
    let text = text.ok_or_else(|| ConfigurationError::Absent {
        namespace: namespace.clone(),
    })?;
    read(text).map_err(|reason| ConfigurationError::Read {
        namespace: namespace.clone(),
        reason,
    })
}

fn read(text: String) -> Result<Configuration, String> {
    let file = File::parse(KEY, text).map_err(|error| error.to_string())?;
    let Some(document) = file.documents().first() else {
        return Ok(Configuration::default());
    };
    serde_path_to_error::deserialize(document.object())
        .map_err(|error| format!("{} in {KEY}: {}", error.path(), error.inner()))
}

/// Why the settings of a cluster are not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// There are none.
    #[error("no configuration of oncue is in the namespace {namespace} (looked for {LABELS})")]
    Absent {
        /// Where it was looked for.
        namespace: Namespace,
    },
    /// They cannot be looked for.
    #[error("failed to look for oncue's configuration in the namespace {namespace}: {source}")]
    Find {
        namespace: Namespace,
        /// What the API server said.
        source: Unlisted,
    },
    /// They mean nothing to this version.
    #[error("failed to read oncue's configuration in the namespace {namespace}: {reason}")]
    Read {
        namespace: Namespace,
        /// What is wrong with it.
        reason: String,
    },
}

const KEY: &str = "config.yaml";
const LABELS: &str = "app.kubernetes.io/name=oncue,app.kubernetes.io/component=webhook";

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::mock::{answer, mk_client};

    /// Reads the settings where the namespace has a map with this data.
    async fn read_from(data: Option<Value>) -> Result<Configuration, String> {
        let (client, server) = mk_client();
        let maps: Vec<_> = data.map(|data| json!({"data": data})).into_iter().collect();
        let list = json!({"metadata": {}, "items": maps});
        let server = answer(server, vec![(200, list)]);
        let read = configuration(&client, &"oncue-system".parse().unwrap()).await;
        drop(client);
        let asked = server.await.unwrap();
        assert!(asked[0].contains("/oncue-system/configmaps?"), "{asked:?}");
        read.map_err(|error| error.to_string())
    }

    fn image(configuration: Configuration) -> String {
        let here: SocketAddr = "127.0.0.1:9999".parse().unwrap();
        configuration.inject.resolve(here).unwrap().image.reference
    }

    #[tokio::test]
    async fn what_the_webhook_injects_is_read_though_the_rest_is_not_understood() {
        let data = json!({"config.yaml": "of-tomorrow: 1\ninject:\n  image: registry/client:1\n"});
        let settings = read_from(Some(data)).await.unwrap();
        assert_eq!(image(settings), "registry/client:1");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_said_with_its_namespace() {
        let unknown = json!({"config.yaml": "inject: {of-tomorrow: 1}"});
        let error = read_from(Some(unknown)).await.unwrap_err();
        assert!(error.contains("of-tomorrow"), "{error}");
        let absent = read_from(None).await.unwrap_err();
        assert!(absent.contains("in the namespace oncue-system"), "{absent}");
    }
}

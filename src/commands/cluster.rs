//! The cluster that a command looks at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use futures_util::{StreamExt, stream};
use oncue_client::environment::Environment;
use oncue_wire::JudgedTerm;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{backend::WaitingPod, output, permissions::Permissions};
use crate::{
    api::documents,
    cluster::{
        ApiError, Configuration, ConfigurationError, ConnectError, Found, FoundStorage, Listed,
        OperatorTokenError, Place, PublishedCaError, Question, ReadSignals, Resource, Signals,
        Storage, StoreError, StorePods, Tunnel, TunnelError, Unlisted, WhichCluster, annotate,
        configuration, connect_to, find, find_storage, get, list, list_all, operator_token,
        published_ca, states,
    },
    config::{ObjectName, ObjectRef},
    cross_namespace::Policy,
    language::{
        Condition, Namespace, ObjectKey, ObjectState, Owner, Subject, VariableKey, Verdict,
        evaluate,
    },
    life::Assertion,
    model::ExistingVariable,
    workload::topmost,
    world::{Epoch, ReadBy, Update, World},
};

/// The cluster that a command looks at, with the flags of `kubectl`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ClusterArgs {
    /// Namespace [default: that of the context if the command uses a cluster, else
    /// `$POD_NAMESPACE`, else default]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<Namespace>,

    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Kubeconfig [default: `$KUBECONFIG`, else ~/.kube/config, else the cluster of this pod]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Namespace of oncue's installation
    #[arg(
        long,
        value_name = "NAMESPACE",
        env = "ONCUE_SYSTEM_NAMESPACE",
        default_value = "oncue-system"
    )]
    system_namespace: Namespace,
}

impl ClusterArgs {
    /// Returns whether a cluster is named, rather than the one at hand taken.
    pub(super) fn is_named(&self) -> bool {
        self.which().is_named()
    }

    /// Connects to the cluster that is named, or to the one at hand.
    pub(super) fn connect(&self) -> anyhow::Result<Cluster> {
        let cluster = self.find()?;
        Ok(cluster.ok_or(ConnectError::NoCluster)?)
    }

    /// Connects to the cluster that is named; `None` where none is.
    pub(super) fn connect_if_named(&self) -> anyhow::Result<Option<Cluster>> {
        if self.is_named() {
            self.find()
        } else {
            Ok(None)
        }
    }

    /// Connects to the cluster that is named, or to the one at hand, if there is one.
    pub(super) fn find(&self) -> anyhow::Result<Option<Cluster>> {
        let found = self.which().find(&Environment::of_this_process())?;
        found.map(|found| self.connect_to(found)).transpose()
    }

    /// Returns the namespace that is meant.
    pub(super) fn namespace(&self, cluster: Option<&Cluster>) -> anyhow::Result<Namespace> {
        let environment = Environment::of_this_process();
        let of_the_context = cluster.map(|cluster| cluster.client.default_namespace());
        let of_the_pod = || environment.non_empty("POD_NAMESPACE");
        match (&self.namespace, of_the_context.or_else(of_the_pod)) {
            (Some(named), _) => Ok(named.clone()),
            (None, Some(text)) => Ok(text.parse()?),
            (None, None) => Ok(Namespace::default()),
        }
    }

    /// Returns the place of the namespace that is named, or everywhere if none is.
    pub(super) fn named_place(&self) -> Place {
        match &self.namespace {
            Some(namespace) => Place::Namespace(namespace.clone()),
            None => Place::Everywhere,
        }
    }

    /// Returns the flags, each with a space in front, by which `kubectl` finds the same cluster.
    pub(super) fn kubectl_flags(&self) -> String {
        let mut flags = String::new();
        // Writing to a String cannot fail.
        if let Some(context) = &self.context {
            let _ = write!(flags, " --context {context}");
        }
        if let Some(path) = &self.kubeconfig {
            let _ = write!(flags, " --kubeconfig {}", path.display());
        }
        flags
    }

    fn which(&self) -> WhichCluster {
        WhichCluster {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        }
    }

    fn connect_to(&self, found: Found) -> anyhow::Result<Cluster> {
        // One thread of its own carries tunnels while the command waits on their near end.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("failed to start the runtime")?;
        let name = found.to_string();
        let client = runtime.block_on(connect_to(found))?;
        Ok(Cluster {
            client,
            name,
            system_namespace: self.system_namespace.clone(),
            runtime: Arc::new(runtime),
        })
    }
}

/// A cluster, for commands that know nothing of tasks.
#[derive(Clone)]
pub(super) struct Cluster {
    client: kube::Client,
    /// Such as `the cluster of the context kind`.
    name: String,
    system_namespace: Namespace,
    runtime: Arc<Runtime>,
}

impl Cluster {
    /// Returns what people call it, such as `the cluster of the context kind`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Opens a tunnel to the store that is installed in it.
    pub(super) fn tunnel(&self) -> Result<Tunnel, TunnelError<StoreError>> {
        let store = StorePods::new(self.client.clone(), self.system_namespace.clone());
        self.runtime.block_on(Tunnel::open(store))
    }

    /// Returns the certificates of the CA of the oncue that is installed in it, in PEM.
    pub(super) fn published_ca(&self) -> Result<String, PublishedCaError> {
        let published = published_ca(&self.client, &self.system_namespace);
        self.runtime.block_on(published)
    }

    /// Returns the account in the namespace of the oncue that is installed in it.
    pub(super) fn account(&self, name: ObjectName) -> ObjectRef {
        ObjectRef {
            namespace: self.system_namespace.clone(),
            name,
        }
    }

    /// Requests a token by which its store knows an operator.
    pub(super) fn operator_token(&self, account: &ObjectRef) -> Result<String, OperatorTokenError> {
        let token = operator_token(&self.client, account);
        self.runtime.block_on(token)
    }

    /// Returns what the installation in it is configured to do.
    pub(super) fn configuration(&self) -> Result<Configuration, ConfigurationError> {
        let settings = configuration(&self.client, &self.system_namespace);
        self.runtime.block_on(settings)
    }

    /// Returns the rules for terms about other namespaces; where these are not known, the defaults.
    pub(super) fn policy(&self) -> Policy {
        let configuration = self.configuration().unwrap_or_default();
        let keys = configuration.inject.keys().unwrap_or_default();
        let Configuration {
            cross_namespace,
            readable_by_all,
            ..
        } = configuration;
        Policy::new(cross_namespace.unwrap_or_default(), readable_by_all, &keys)
    }

    /// Reads the object of a namespace.
    pub(super) fn namespace_object(&self, namespace: &Namespace) -> Result<Value, ApiError> {
        let object = get(
            &self.client,
            Resource::NAMESPACE,
            (None, namespace.as_str()),
        );
        self.runtime.block_on(object)
    }

    /// Reads one object.
    pub(super) fn get(
        &self,
        resource: Resource,
        namespace: &Namespace,
        name: &str,
    ) -> Result<Value, ApiError> {
        let object = get(&self.client, resource, (Some(namespace), name));
        self.runtime.block_on(object)
    }

    /// Lists the objects of one kind, and notes it if these are not all.
    pub(super) fn list(
        &self,
        resource: Resource,
        place: &Place,
        question: Question<'_>,
    ) -> Result<Vec<Value>, Unlisted> {
        let listed = list(&self.client, resource, place, question);
        let Listed { objects, cut } = self.runtime.block_on(listed)?;
        if let Some(cut) = cut {
            output::note(&cut.to_string());
        }
        Ok(objects)
    }

    /// Reads all objects of one kind, and returns what `pick` takes of them.
    pub(super) fn find<T>(
        &self,
        resource: Resource,
        (place, question): (&Place, Question<'_>),
        pick: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, Unlisted> {
        let found = find((&self.client, resource), place, question, pick);
        self.runtime.block_on(found)
    }

    /// Returns the variables that durable Signals assert, and says why if these cannot be read.
    pub(super) fn existing(&self, place: &Place) -> Vec<ExistingVariable> {
        let read = async {
            let found = find_storage(&self.client, &self.system_namespace).await;
            match found.map(|it| it.storage) {
                Ok(Storage::Signals) => Signals::new(self.client.clone()).list(place, None).await,
                // What a store holds is no object.
                Ok(Storage::Store) | Err(_) => Ok(ReadSignals::default()),
            }
        };
        let read = self.runtime.block_on(read).unwrap_or_else(|error| {
            output::note(&error.to_string());
            ReadSignals::default()
        });
        read.existing().collect()
    }

    /// Returns the states of objects, as far as the user may read these.
    pub(super) fn object_states(
        &self,
        keys: BTreeSet<ObjectKey>,
    ) -> BTreeMap<ObjectKey, ObjectState> {
        self.runtime.block_on(states(&self.client, keys))
    }

    /// Finds out where the installation in it keeps its variables.
    pub(super) fn storage(&self) -> Result<FoundStorage, ApiError> {
        let found = find_storage(&self.client, &self.system_namespace);
        self.runtime.block_on(found)
    }

    /// Returns the client, for requests of other modules.
    pub(super) fn client(&self) -> &kube::Client {
        &self.client
    }

    /// Runs requests to their end.
    pub(super) fn block_on<F: Future>(&self, requests: F) -> F::Output {
        self.runtime.block_on(requests)
    }

    /// Judges conditions about objects for a pod, as far as the user may read these.
    pub(super) fn judge_objects(
        &self,
        pod: &WaitingPod<'_>,
        conditions: &[Condition],
    ) -> Vec<JudgedTerm> {
        let own = &pod.id.namespace;
        let permissions = Permissions::read(self, conditions.iter().map(|it| (own, it)));
        let world = world([], self.object_states(objects_of(conditions)));
        let view = ReadBy::new(&world, None, pod.grace);
        let judge = |condition: &Condition| {
            let refusal = permissions
                .as_ref()
                .and_then(|it| it.refusal(own, condition));
            let verdict = refusal.map(Verdict::Missing);
            let verdict = verdict.unwrap_or_else(|| evaluate::judge(condition, &view));
            documents::term(condition, &verdict)
        };
        conditions.iter().map(judge).collect()
    }

    /// Sets an annotation of each pod to the value beside it. Returns the results in the order of the
    /// pods.
    pub(super) fn annotate(
        &self,
        key: &str,
        values: &[(Owner, String)],
    ) -> Vec<Result<(), ApiError>> {
        let writes = values
            .iter()
            .map(|(pod, value)| annotate(&self.client, pod, (key, value)));
        let written = stream::iter(writes).buffered(WRITES_AT_ONCE);
        self.runtime.block_on(written.collect())
    }

    /// Lists everything that makes pods, bare pods, and the Services in front of them, without
    /// what controllers make; and says of which kinds it could not read all.
    pub(super) fn actors(&self, place: &Place) -> (Vec<Value>, Vec<Unlisted>) {
        let kinds = [&Resource::WORKLOADS[..], &[Resource::SERVICE]].concat();
        let listed = list_all(&self.client, &kinds, place);
        let (objects, unlisted) = self.runtime.block_on(listed);
        (topmost(objects), unlisted)
    }
}

/// Returns the objects that conditions are about.
pub(super) fn objects_of<'c>(
    conditions: impl IntoIterator<Item = &'c Condition>,
) -> BTreeSet<ObjectKey> {
    let keys = conditions.into_iter().filter_map(|it| match &it.subject {
        Subject::Object(key) => Some((**key).clone()),
        Subject::Below { .. } | Subject::Variable { .. } => None,
    });
    keys.collect()
}

/// Returns the world that consists of these variables and objects.
pub(super) fn world(
    variables: impl IntoIterator<Item = (VariableKey, Arc<Assertion>)>,
    objects: BTreeMap<ObjectKey, ObjectState>,
) -> World {
    let mut world = World::new(Epoch::new(0));
    for (key, assertion) in variables {
        world.update(Update {
            key,
            before: None,
            after: Some(assertion),
        });
    }
    for (key, state) in objects {
        world.set_object(&key, Some(state));
    }
    world
}

/// How many writes are under way at once.
const WRITES_AT_ONCE: usize = 16;

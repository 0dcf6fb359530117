//! The Kubernetes API, as its client.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `kubeconfig` | [`WhichCluster`] is meant, and where it is [`Found`] |
//! | `connection` | [`connect`] to it |
//! | `call` | [`call`], one request with a deadline, and [`ApiError`], why it failed |
//! | `live` | objects as they are in the cluster, as raw JSON |
//! | `resource` | [`Resource`], a kind of object as the API and `kubectl` name it |
//! | `configuration` | the settings of the oncue that is installed there |
//! | `store_pod` | [`StorePods`], the way to its store |
//! | `tunnel` | [`Tunnel`], a port of this machine that leads there |

mod call;
mod configuration;
mod connection;
mod kubeconfig;
mod live;
mod resource;
mod store_pod;
mod tunnel;

pub use self::{
    call::{ApiError, DEADLINE, call},
    configuration::{ConfigurationError, configuration},
    connection::{ConnectError, connect, connect_to},
    kubeconfig::{FindError, Found, WhichCluster},
    live::{Listed, Place, Question, Unlisted, get, list, list_all},
    resource::Resource,
    store_pod::{StoreError, StorePods},
    tunnel::{Connection, Dial, Stream, Tunnel, TunnelError},
};

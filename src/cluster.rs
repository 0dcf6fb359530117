//! The Kubernetes API, as its client.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `connection` | [`connect`] to the cluster that is meant |
//! | `call` | [`call`], one request with a deadline, and [`ApiError`], why it failed |

mod call;
mod connection;

pub use self::{
    call::{ApiError, DEADLINE, call},
    connection::{ConnectError, WhichCluster, connect},
};

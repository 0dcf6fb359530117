//! Reports of whole clusters.

mod deadlocks;
mod messages;
mod rates;

use std::time::Duration;

use serde_json::json;

use super::kit::*;

const SECOND: Duration = Duration::from_secs(1);

fn running_wait() -> serde_json::Value {
    json!({"state": {"running": {"startedAt": "2026-11-27T10:00:30Z"}}})
}

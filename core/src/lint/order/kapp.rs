//! kapp: change rules put groups of objects into an order. It goes on once what it has applied is
//! reconciled: a Job that has ended, a Deployment that is rolled out.

use super::Ordered;
use crate::{
    lint::Severity,
    order::{annotation, kapp::ChangeOrder},
    workload::{Workload, WorkloadKind},
};

/// Returns why the order keeps all `producers` from being applied before `consumer` is reconciled.
pub(super) fn judge(
    order: &ChangeOrder<'_>,
    consumer: &Workload<'_>,
    producers: &[Ordered<'_>],
) -> Option<(Severity, String)> {
    if !is_waited_for(consumer) {
        return None;
    }
    let is_later = |producer: &Ordered<'_>| order.is_later(producer.object, consumer.object());
    let producer = producers.first()?;
    if !producers.iter().all(is_later) {
        return None;
    }
    let why = format!(
        "kapp applies {} once {consumer} is reconciled, by its change rules: neither ever happens",
        producer.title
    );
    Some((Severity::Error, why))
}

/// Returns whether kapp waits until an object is reconciled. It does not know kinds that are not
/// built in.
fn is_waited_for(workload: &Workload<'_>) -> bool {
    let is_known = match workload.kind() {
        WorkloadKind::CronJob | WorkloadKind::Custom | WorkloadKind::ReplicationController => false,
        WorkloadKind::DaemonSet
        | WorkloadKind::Deployment
        | WorkloadKind::Job
        | WorkloadKind::Pod
        | WorkloadKind::ReplicaSet
        | WorkloadKind::StatefulSet => true,
    };
    is_known && annotation(workload.object(), "kapp.k14s.io/disable-wait").is_none()
}

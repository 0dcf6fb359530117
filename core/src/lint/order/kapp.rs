//! kapp: change rules put groups of objects into an order. It goes on once what it has applied is
//! reconciled: a Job that has ended, a Deployment that is rolled out.

use super::{Ordered, is_waited_for};
use crate::{lint::Severity, order::kapp, workload::Workload};

/// Returns why the order keeps all `producers` from being applied before `consumer` is reconciled.
pub(super) fn judge(
    consumer: &Workload<'_>,
    producers: &[Ordered<'_, '_>],
) -> Option<(Severity, String)> {
    if !is_waited_for(consumer) {
        return None;
    }
    let is_later =
        |producer: &Ordered<'_, '_>| kapp::is_later(producer.workload.object(), consumer.object());
    let producer = producers.first()?;
    if !producers.iter().all(is_later) {
        return None;
    }
    let why = format!(
        "kapp applies {} once {consumer} is reconciled, by its change rules: neither ever happens",
        producer.workload
    );
    Some((Severity::Error, why))
}

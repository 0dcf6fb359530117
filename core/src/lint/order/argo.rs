//! Argo CD: it applies phases one after the other, and in each the waves, and goes on once all that
//! it has applied is healthy.

use super::{Ordered, is_waited_for};
use crate::{
    lint::Severity,
    order::{
        annotation,
        argo::{HOOK, WAVE, step},
    },
    workload::Workload,
};

/// Returns why the order keeps all `producers` from being applied before `consumer` is healthy.
pub(super) fn judge(
    consumer: &Workload<'_>,
    producers: &[Ordered<'_, '_>],
) -> Option<(Severity, String)> {
    let all = [consumer]
        .into_iter()
        .chain(producers.iter().map(|it| it.workload));
    let is_used = all.into_iter().any(|it| {
        annotation(it.object(), HOOK)
            .or_else(|| annotation(it.object(), WAVE))
            .is_some()
    });
    if !is_used || !is_waited_for(consumer) {
        return None;
    }
    let own = step(consumer.object())?;
    let steps: Option<Vec<_>> = producers
        .iter()
        .map(|it| step(it.workload.object()))
        .collect();
    let first = steps?.into_iter().min().filter(|first| *first > own)?;
    let producer = producers
        .iter()
        .find(|it| step(it.workload.object()) == Some(first))?;
    let why = format!(
        "Argo CD applies {} in {first}, once {own} is healthy, which {consumer} is a part of: \
         neither ever happens",
        producer.workload
    );
    Some((Severity::Error, why))
}

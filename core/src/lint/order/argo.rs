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
    producers: &[Ordered<'_>],
) -> Option<(Severity, String)> {
    let mut all = [consumer.object()]
        .into_iter()
        .chain(producers.iter().map(|it| it.object));
    let is_used = all.any(|it| {
        annotation(it, HOOK)
            .or_else(|| annotation(it, WAVE))
            .is_some()
    });
    if !is_used || !is_waited_for(consumer) {
        return None;
    }
    let own = step(consumer.object())?;
    let steps: Option<Vec<_>> = producers.iter().map(|it| step(it.object)).collect();
    let first = steps?.into_iter().min().filter(|first| *first > own)?;
    let producer = producers.iter().find(|it| step(it.object) == Some(first))?;
    let why = format!(
        "Argo CD applies {} in {first}, once {own} is healthy, which {consumer} is a part of: \
         neither ever happens",
        producer.title
    );
    Some((Severity::Error, why))
}

//! Flux: `dependsOn` of a Kustomization or a `HelmRelease`, for objects that have their labels.

use super::{Ordered, is_waited_for};
use crate::{lint::Severity, order::flux::FluxOrder, workload::Workload};

/// Returns why the order keeps all `producers` from being applied before `consumer` is ready.
pub(super) fn judge<'m>(
    order: &FluxOrder<'m>,
    consumer: &Workload<'m>,
    producers: &[Ordered<'m>],
) -> Option<(Severity, String)> {
    if !is_waited_for(consumer) {
        return None;
    }
    let units = producers.iter();
    let units = units.map(|producer| order.is_later(producer.object, consumer.object()));
    let units: Option<Vec<_>> = units.collect();
    let [late, early] = units?.into_iter().next()?;
    let why = format!(
        "Flux applies {} with {late}, once {early} is ready, which {consumer} is a part of: neither \
         ever happens",
        producers.first()?.title
    );
    Some((Severity::Error, why))
}

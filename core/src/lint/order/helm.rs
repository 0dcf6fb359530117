//! Helm: hooks run one after the other, by weight and name, before or after everything else. Helm
//! goes on once the Job or the pod of a hook has ended.

use super::{Ordered, is_waited_for};
use crate::{
    lint::Severity,
    order::{
        Operation, annotation,
        helm::{HOOK, Step, step},
    },
    workload::{Workload, WorkloadKind},
};

/// How a wait stands in one operation.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Standing {
    /// The consumer is no part of it.
    Apart,
    Holds,
    /// What it waits for comes after the wait, if the installer waits for readiness.
    Late(String),
    /// What it waits for is no part of the operation.
    Missing(String),
    /// What it waits for comes after the wait.
    Never(String),
}

/// Returns why the order keeps `producers` from making a wait of `consumer` hold.
pub(super) fn judge(
    consumer: &Workload<'_>,
    producers: &[Ordered<'_>],
) -> Option<(Severity, String)> {
    use Standing::{Apart, Late, Missing, Never};
    let on = |operation| standing(consumer, producers, operation);
    match (on(Operation::Install), on(Operation::Upgrade)) {
        (Never(why), _)
        | (_, Never(why))
        | (Missing(why), Missing(_) | Apart)
        | (Apart, Missing(why)) => Some((Severity::Error, why)),
        (Missing(why) | Late(why), _) | (_, Missing(why) | Late(why)) => {
            Some((Severity::Warning, why))
        }
        _ => None,
    }
}

fn standing(consumer: &Workload<'_>, producers: &[Ordered<'_>], operation: Operation) -> Standing {
    let Some(own) = step(consumer.object(), operation) else {
        return Standing::Apart;
    };
    let mut worst = Standing::Holds;
    for producer in producers {
        match one(consumer, &own, producer, operation) {
            Standing::Holds => return Standing::Holds,
            other => worst = other,
        }
    }
    worst
}

fn one(
    consumer: &Workload<'_>,
    own: &Step,
    producer: &Ordered<'_>,
    operation: Operation,
) -> Standing {
    let Ordered { object, title, .. } = producer;
    let is_upgrade = operation == Operation::Upgrade;
    let is_installed = step(object, Operation::Install).is_some();
    let Some(its) = step(object, operation) else {
        if is_upgrade && is_installed && producer.stays() {
            return Standing::Holds;
        }
        let hooks = annotation(object, HOOK).unwrap_or_default();
        return Standing::Missing(format!(
            "Helm does not run the hook {title} ({hooks}) on {operation}"
        ));
    };
    // The previous release has it already.
    if its <= *own || is_upgrade && is_installed {
        return Standing::Holds;
    }
    match own {
        Step::Main if is_waited_for(consumer) => Standing::Late(format!(
            "{title} is a hook that runs once everything else is ready: a deadlock where the \
             installer waits for readiness (helm --wait)"
        )),
        Step::After(..) | Step::Before(..) if holds_up(consumer) => Standing::Never(format!(
            "Helm {} once the hook {consumer}{} has ended: neither ever happens",
            applies(title, &its),
            weight(own)
        )),
        _ => Standing::Holds,
    }
}

/// Returns whether Helm waits for the end of a hook.
fn holds_up(hook: &Workload<'_>) -> bool {
    matches!(hook.kind(), WorkloadKind::Job | WorkloadKind::Pod)
}

fn applies(title: &str, step: &Step) -> String {
    match step {
        Step::Main => format!("applies {title}"),
        Step::After(..) | Step::Before(..) => format!("runs the hook {title}{}", weight(step)),
    }
}

fn weight(step: &Step) -> String {
    match step {
        Step::Main => String::new(),
        Step::After(weight, _) | Step::Before(weight, _) => format!(" (weight {weight})"),
    }
}

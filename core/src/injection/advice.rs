//! What a plan's author should hear, though it is carried out.

use super::{
    gang,
    hook::Hook,
    plan::Plan,
    pod::{Container, Spec},
    settings::{Controller, StoreAddress},
    signaller,
    warning::Warning,
};
use crate::language::{
    ObjectKind, Target, Term,
    annotation::{Key, Mode, Position},
    host,
};

/// Returns what the author of `plan` should hear.
pub(crate) fn advice(plan: &Plan<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    warnings.extend(about_signals(plan));
    warnings.extend(about_signaller(plan));
    warnings.extend(about_hook(plan));
    warnings.extend(about_label(plan));
    warnings.extend(about_gang(plan));
    warnings.extend(about_namespaces(plan));
    warnings.extend(about_secrets(plan));
    if plan.needs_container() {
        warnings.extend(about_place(plan));
        warnings.extend(about_resources(plan));
        warnings.extend(about_store(plan));
    }
    warnings
}

fn about_signals(plan: &Plan<'_>) -> Option<Warning> {
    let asked = plan.asked;
    let live = [
        (Key::Signals, plan.duties.mark),
        (Key::SignalsOnInit, !asked.signals_on_init.is_empty()),
        (Key::SignalsOnWait, !asked.signals_on_wait.is_empty()),
    ];
    let (key, _) = live.into_iter().find(|(_, is_asked)| *is_asked)?;
    let stay = plan.settings.controller == Controller::Absent;
    stay.then_some(Warning::LiveSignalsStay { key })
}

/// Another webhook may have put a container in front of the one that is meant.
fn about_signaller(plan: &Plan<'_>) -> Option<Warning> {
    let chosen = plan.chosen?;
    let named = [
        plan.asked.signals_container.as_deref(),
        plan.before.and_then(|it| it.signals_container.as_deref()),
        plan.pod.annotation(signaller::DEFAULT_CONTAINER),
    ];
    let count = plan.spec.containers().len();
    let is_named = named.into_iter().flatten().any(|name| name == chosen);
    (count > 1 && !is_named).then(|| Warning::FirstOfSeveral {
        container: chosen.to_owned(),
        count,
    })
}

/// Returns the first term on a variable that no pod signals, because none is injected there.
fn about_namespaces(plan: &Plan<'_>) -> Option<Warning> {
    let mut terms = plan.asked.depends_on.iter().map(|term| &term.value);
    terms.find_map(|term| {
        let (Target::Below { namespace, .. } | Target::Variable { namespace, .. }) = &term.target
        else {
            return None;
        };
        let namespace = namespace.as_ref()?;
        let is_left_out = plan.settings.leaves_out(namespace);
        is_left_out.then(|| Warning::ExcludedNamespace {
            term: term.to_string(),
            namespace: namespace.clone(),
        })
    })
}

/// Returns the first term that is missing for as long as the controller may not read Secrets.
fn about_secrets(plan: &Plan<'_>) -> Option<Warning> {
    if plan.settings.reads_secrets {
        return None;
    }
    let mut terms = plan.asked.depends_on.iter().map(|term| &term.value);
    let term = terms.find(
        |term| matches!(&term.target, Target::Object(object) if object.kind == ObjectKind::Secret),
    )?;
    Some(Warning::SecretUnreadable {
        term: term.to_string(),
    })
}

fn about_hook(plan: &Plan<'_>) -> Option<Warning> {
    if plan.asked.signals.is_empty() {
        return None;
    }
    let Hook::Foreign(handler) = Hook::of(plan.signaller) else {
        return None;
    };
    Some(Warning::PostStartKept {
        container: plan.signaller.name().to_owned(),
        handler: handler.to_owned(),
    })
}

fn about_label(plan: &Plan<'_>) -> Option<Warning> {
    let label = plan.settings.managed_label();
    let value = plan.pod.label(&label)?;
    (value != "true").then_some(Warning::LabelKept { label })
}

/// A gang that waits for its own gated pods never starts.
fn about_gang(plan: &Plan<'_>) -> Option<Warning> {
    let is_gated = plan.asked.mode == Mode::Gate && !plan.asked.depends_on.is_empty();
    let mark = gang::mark(plan.pod, plan.spec).filter(|_| is_gated)?;
    Some(Warning::GangScheduled { mark })
}

fn about_place(plan: &Plan<'_>) -> Vec<Warning> {
    let index = plan.place.index;
    let probe = plan.asked.depends_on.iter().map(|term| &term.value);
    let mut probes = probe.filter(|term| is_loopback(term));
    let loopback = probes
        .next()
        .and_then(|term| about_loopback(plan, term.to_string()));
    let first = plan.place.kept_before_mesh.then_some(Warning::MeshFirst);
    let cut_off = plan
        .around
        .is_cut_off_by_cni(index)
        .then_some(Warning::MeshCni);
    [loopback, first, cut_off].into_iter().flatten().collect()
}

/// A pod on the network of its node may ask what others listen to.
fn about_loopback(plan: &Plan<'_>, term: String) -> Option<Warning> {
    if plan.spec.uses_host_network() {
        return None;
    }
    let mut init_containers = plan.spec.init_containers().iter();
    match (
        init_containers.any(Container::is_sidecar),
        plan.asked.position,
    ) {
        (true, Position::First) => Some(Warning::LoopbackProbe { term }),
        (false, Position::First) => Some(Warning::LoopbackUnanswered { term }),
        // Another webhook may add the sidecar.
        (_, Position::AfterSidecars) => None,
    }
}

fn is_loopback(term: &Term) -> bool {
    term.probe()
        .is_some_and(|probe| host::is_loopback(&probe.host))
}

fn about_resources(plan: &Plan<'_>) -> Option<Warning> {
    let changed = plan.asked.resources.is_some() && plan.wish != plan.resources;
    changed.then(|| Warning::ResourcesAdjusted {
        key: plan.settings.keys.written(Key::Resources),
    })
}

fn about_store(plan: &Plan<'_>) -> Option<Warning> {
    let StoreAddress {
        url,
        fallback_ip,
        ca_pem: _,
    } = &plan.settings.store;
    let lost = fallback_ip.is_none() && is_cluster_name(url) && !resolves_cluster_names(plan.spec);
    lost.then_some(Warning::StoreUnresolved)
}

/// Returns whether the host of `url` is a fully qualified name with its trailing dot.
fn is_cluster_name(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = host.find([':', '/', '?']).unwrap_or(host.len());
    host[..end].ends_with('.')
}

fn resolves_cluster_names(spec: &Spec<'_>) -> bool {
    match spec.dns_policy.as_deref() {
        Some("ClusterFirstWithHostNet") => true,
        Some("Default" | "None") => false,
        _ => !spec.uses_host_network(),
    }
}

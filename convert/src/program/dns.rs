//! Programs that resolve a name.

use oncue_language::{
    Namespace,
    host::{ServiceHost, service_hosts},
};

use crate::{
    check::{Check, host_name},
    objects::text,
    shell::{Machine, Run},
    surroundings::Surroundings,
    text::{Observed, Text},
};

/// Stands for the pod's own namespace where the files do not name it.
const OWN: &str = "own";

/// Runs `nslookup NAME`.
pub(super) fn look_up(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let is_option = |text: &&Text| text.as_known().is_some_and(|text| text.starts_with('-'));
    let names: Vec<_> = arguments.iter().filter(|text| !is_option(text)).collect();
    let reason = "compares the content of an answer";
    machine.write(Text::answer(Observed::Content(reason.to_owned())));
    let records = ["type", "query", "q"];
    let asks_for_other = arguments.iter().filter_map(Text::as_known).any(|option| {
        let (name, record) = option.split_once('=').unwrap_or_default();
        records.contains(&name.trim_start_matches('-'))
            && !matches!(record.to_ascii_lowercase().as_str(), "a" | "aaaa")
    });
    let check = match names.as_slice() {
        _ if asks_for_other => Check::opaque("asks for a certain record, which no term does"),
        [name] => resolution(machine.surroundings, name),
        _ => Check::opaque("asks a name server of its own"),
    };
    machine.ask_status(check)
}

/// Runs `getent hosts NAME`.
pub(super) fn getent(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    match arguments.split_first() {
        Some((database, names))
            if matches!(
                database.as_known(),
                Some("hosts" | "ahosts" | "ahostsv4" | "ahostsv6")
            ) =>
        {
            look_up(machine, names)
        }
        _ => machine.ask_status(Check::opaque(
            "asks a database of `getent` other than hosts",
        )),
    }
}

/// Returns the check that a name resolves.
pub(super) fn resolution(surroundings: &Surroundings<'_>, name: &Text) -> Check {
    let host = match host_name(name) {
        Ok(host) => host,
        Err(reason) => return Check::Opaque(reason),
    };
    let own = surroundings.namespace.as_deref().unwrap_or(OWN);
    let Ok(from) = own.parse::<Namespace>() else {
        return Check::opaque(format!("resolves {host} from the namespace {own:?}"));
    };
    let meanings = service_hosts(&host, &from);
    let known = meanings
        .iter()
        .find(|it| find(surroundings, own, it).is_some());
    // Before `.svc` stand a Service and its namespace, whatever else a resolver tries first.
    match known.or(meanings.last()) {
        Some(meaning) if known.is_some() || is_in_cluster(&host) => {
            of_service(surroundings, own, meaning)
        }
        _ => Check::opaque(format!("resolves {host}, a name outside of the cluster")),
    }
}

/// Returns whether a name can be nothing but that of a Service or a pod.
fn is_in_cluster(host: &str) -> bool {
    !host.contains('.') || host.split('.').any(|label| label == "svc")
}

fn find<'w>(
    surroundings: &Surroundings<'w>,
    own: &str,
    meaning: &ServiceHost<'_>,
) -> Option<&'w serde_json::Value> {
    let is_own = meaning.namespace == own;
    let named = (!is_own || own != OWN).then_some(meaning.namespace);
    let objects = surroundings.objects;
    let found = objects.find("Service", named, meaning.service);
    found.or_else(|| {
        is_own
            .then(|| objects.find("Service", None, meaning.service))
            .flatten()
    })
}

fn of_service(surroundings: &Surroundings<'_>, own: &str, meaning: &ServiceHost<'_>) -> Check {
    let ServiceHost {
        pod,
        service,
        namespace,
    } = meaning;
    let is_own = *namespace == own;
    let at = if is_own {
        String::new()
    } else {
        format!("@{namespace}")
    };
    if let Some(pod) = pod {
        let difference =
            "it waits until the name of the pod resolves, the term until the pod is Ready";
        return Check::approximate(&format!("pod:{pod}{at}"), difference);
    }
    let Some(object) = find(surroundings, own, meaning) else {
        let difference = "it waits until the name resolves, the term until the Service has a ready \
                          endpoint";
        return Check::approximate(&format!("service:{service}{at}"), difference);
    };
    let is_published = object.pointer("/spec/publishNotReadyAddresses") == Some(&true.into());
    let is_headless = text(object, "/spec/clusterIP") == Some("None");
    match (is_headless, is_published) {
        // The name server has a record once a pod is ready.
        (true, false) => Check::exact(&format!("service:{service}{at}")),
        (true, true) => Check::approximate(
            &format!("service:{service}{at}"),
            "the Service publishes pods that are not ready, the term waits for a ready one",
        ),
        // The name server has a record as long as the Service exists.
        (false, _) if is_own => Check::exact(&format!("service:{service}{{.metadata.name}}")),
        (false, _) => Check::approximate(
            &format!("service:{service}{at}"),
            "it waits until the Service exists, the term until it has a ready endpoint",
        ),
    }
}

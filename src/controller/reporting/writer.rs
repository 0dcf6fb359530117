//! Writes conditions and Events.

use std::time::Duration;

use kube::Client;
use tokio::{task::JoinSet, time::Instant};
use tracing::warn;

use super::super::{
    Context,
    metrics::Metrics,
    writes::{FIELD_MANAGER, Unwritten, Writes, Written},
};
use crate::{
    cluster::{ApiError, Verb, Write, WriteError},
    instance,
    language::Owner,
    outage::Outage,
    reporting::{ConditionReport, EventReport, HeldReason, Reports},
};

/// Writes conditions and Events, a limited number at once.
pub(super) struct Writer {
    client: Client,
    writes: Writes,
    metrics: Metrics,
    /// The name of this process among others.
    instance: String,
    writing: JoinSet<Done>,
    conditions: Outage,
    events: Outage,
    /// When the API server takes writes again.
    resume: Instant,
}

/// A condition that was not written, and how long to wait before the next try.
pub(super) struct Failed {
    pub(super) pod: Owner,
    pub(super) pause: Duration,
}

/// What was tried, and how that ended.
enum Done {
    Condition(Owner, HeldReason, Result<(), Unwritten>),
    Event(HeldReason, Result<(), Unwritten>),
}

impl Writer {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            writes: context.writes.clone(),
            metrics: context.metrics.clone(),
            instance: instance::name(),
            writing: JoinSet::new(),
            conditions: Outage::of("condition of a pod"),
            events: Outage::of("event of a pod"),
            resume: Instant::now(),
        }
    }

    /// Returns how many conditions can be taken on now.
    pub(super) fn room(&self) -> usize {
        if Instant::now() < self.resume {
            return 0;
        }
        MOST_WAITING.saturating_sub(self.writing.len())
    }

    /// Begins to write reports.
    pub(super) fn write(&mut self, reports: Reports) {
        for report in reports.conditions {
            if report.restores {
                let Owner {
                    namespace, name, ..
                } = &report.pod;
                warn!(%namespace, pod = %name, "the condition of a pod was changed by someone else: restored");
            }
            let (client, writes) = (self.client.clone(), self.writes.clone());
            self.writing.spawn(async move {
                let write = write_condition(&client, &report);
                let what = (Written::Condition, &report.pod.namespace);
                let result = writes.make(what, write).await;
                Done::Condition(report.pod, report.condition.reason, result)
            });
        }
        for report in reports.events {
            let (client, writes) = (self.client.clone(), self.writes.clone());
            let instance = self.instance.clone();
            self.writing.spawn(async move {
                let write = write_event(&client, &report, &instance);
                let what = (Written::Event, &report.pod.namespace);
                let result = writes.make(what, write).await;
                Done::Event(report.reason, result)
            });
        }
    }

    /// Waits until a condition was not written. Cancelling loses nothing.
    pub(super) async fn failed(&mut self) -> Failed {
        loop {
            let failed = match self.writing.join_next().await {
                Some(Ok(Done::Condition(pod, reason, result))) => {
                    self.condition_done(pod, reason, result)
                }
                Some(Ok(Done::Event(reason, result))) => {
                    self.event_done(reason, result);
                    None
                }
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic());
                }
                Some(Err(_)) => None,
                None => std::future::pending().await,
            };
            if let Some(failed) = failed {
                return failed;
            }
        }
    }

    fn condition_done(
        &mut self,
        pod: Owner,
        reason: HeldReason,
        result: Result<(), Unwritten>,
    ) -> Option<Failed> {
        let WriteError { error, retry_after } = match result {
            Ok(()) => {
                self.metrics.condition_written(reason);
                self.conditions.succeeded();
                return None;
            }
            Err(Unwritten::Failed(failure)) => failure,
            Err(Unwritten::NotLeader) => {
                let pause = AFTER_FAILURE;
                return Some(Failed { pod, pause });
            }
        };
        self.hold_back(retry_after);
        let pause = match &error {
            // The pod is gone, or another one has its name: the watch will say so.
            ApiError::Conflict(_) | ApiError::NotFound(_) => AFTER_FAILURE,
            ApiError::Forbidden(_) => AFTER_REFUSAL,
            ApiError::Refused(_) | ApiError::TimedOut(_) | ApiError::Unanswered(_) => {
                retry_after.unwrap_or_default().max(AFTER_FAILURE)
            }
        };
        if !matches!(error, ApiError::Conflict(_) | ApiError::NotFound(_)) {
            self.metrics.report_failed("condition", error.label());
            self.conditions.failed(error.label(), &error.to_string());
        }
        Some(Failed { pod, pause })
    }

    /// An Event that was not written is lost: the condition says the same.
    fn event_done(&mut self, reason: HeldReason, result: Result<(), Unwritten>) {
        match result {
            Ok(()) => {
                self.metrics.event_written(reason);
                self.events.succeeded();
            }
            Err(Unwritten::NotLeader) => {}
            Err(Unwritten::Failed(WriteError { error, retry_after })) => {
                self.hold_back(retry_after);
                self.metrics.report_failed("event", error.label());
                if !is_of_ending_namespace(&error) {
                    self.events.failed(error.label(), &error.to_string());
                }
            }
        }
    }

    /// Nothing is written while the API server has too many requests.
    fn hold_back(&mut self, retry_after: Option<Duration>) {
        let resume = retry_after.map(|pause| Instant::now() + pause);
        self.resume = self.resume.max(resume.unwrap_or(self.resume));
    }
}

async fn write_condition(client: &Client, report: &ConditionReport) -> Result<(), WriteError> {
    let Owner {
        namespace, name, ..
    } = &report.pod;
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/status");
    let write = Write {
        verb: Verb::StrategicMergePatch,
        path: &path,
        field_manager: FIELD_MANAGER,
        body: &report.patch(),
    };
    write.send(client).await
}

/// Creates an Event, or counts once more the one that there is.
async fn write_event(
    client: &Client,
    report: &EventReport,
    instance: &str,
) -> Result<(), WriteError> {
    let namespace = &report.pod.namespace;
    let events = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
    if report.count > 1 {
        let count = Write {
            verb: Verb::MergePatch,
            path: &format!("{events}/{}", report.name()),
            field_manager: FIELD_MANAGER,
            body: &report.series(),
        };
        let counted = count.send(client).await;
        // Events are kept for an hour.
        if !counted
            .as_ref()
            .is_err_and(|it| matches!(it.error, ApiError::NotFound(_)))
        {
            return counted;
        }
    }
    let create = Write {
        verb: Verb::Create,
        path: &events,
        field_manager: FIELD_MANAGER,
        body: &report.object(instance),
    };
    match create.send(client).await {
        // An earlier process has told this already.
        Err(WriteError {
            error: ApiError::Conflict(_),
            ..
        }) => Ok(()),
        created => created,
    }
}

/// Returns whether nothing can be created in a namespace because it is being deleted.
fn is_of_ending_namespace(error: &ApiError) -> bool {
    let ApiError::Forbidden(status) = error else {
        return false;
    };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .into_iter()
        .any(|cause| cause.reason == "NamespaceTerminating")
}

/// How many writes are begun, in flight or not.
const MOST_WAITING: usize = 100;
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// A right that is missing is not granted soon.
const AFTER_REFUSAL: Duration = Duration::from_mins(5);

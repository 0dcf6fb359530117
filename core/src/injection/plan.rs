//! What a pod shall have.

use std::ops::Deref;

use super::{
    arguments::Duties,
    budget::Budget,
    container::{self, CONTAINER, HASH, TOKEN_FILE_VARIABLE},
    hook::Hook,
    place::{Place, Surroundings},
    pod::{Container, Pod, Spec},
    record::Record,
    refusal::Refusal,
    resources::Resources,
    settings::{Controller, Proof, Settings},
    view::Text,
    volume::OwnVolume,
};
use crate::language::{
    AnnotationError, PodAnnotations,
    annotation::{Inject, Key, Mode},
};

/// What a plan is made from.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) pod: &'a Pod<'a>,
    pub(crate) spec: &'a Spec<'a>,
    pub(crate) settings: &'a Settings,
    /// What the pod asks for, filled in.
    pub(crate) asked: &'a PodAnnotations,
    /// What an earlier round recorded.
    pub(crate) before: Option<&'a Record>,
    /// The container whose start the marker reports.
    pub(crate) signaller: &'a Container<'a>,
    /// Its name, where it is recorded that it was chosen.
    pub(crate) chosen: Option<&'a str>,
}

/// What a pod shall have.
pub(crate) struct Plan<'a> {
    subject: Subject<'a>,
    pub(crate) around: Surroundings<'a>,
    /// Where our container belongs.
    pub(crate) place: Place,
    present_hash: Option<Text<'a>>,
    was_injected: bool,
    had_token: bool,
    pub(crate) duties: Duties,
    /// The resources that the annotation and the settings want for our container.
    pub(crate) wish: Resources,
    /// The resources that it gets.
    pub(crate) resources: Resources,
}

/// What a plan is made from is part of it.
impl<'a> Deref for Plan<'a> {
    type Target = Subject<'a>;

    fn deref(&self) -> &Subject<'a> {
        &self.subject
    }
}

impl<'a> Plan<'a> {
    /// Makes the plan.
    ///
    /// # Errors
    /// [`Refusal`] if the resources are wrong, or the marker would run before the client is there.
    pub(crate) fn new(subject: Subject<'a>) -> Result<Self, Refusal> {
        let Subject { spec, asked, .. } = subject;
        let around = Surroundings::new(spec.init_containers(), CONTAINER);
        let place = around.place(asked.position, subject.before.map(Record::position));
        let wish = wish(asked, subject.settings.resources)?;
        let mark =
            !asked.signals.is_empty() && !matches!(Hook::of(subject.signaller), Hook::Foreign(_));
        let present = around.present().map(|index| &spec.init_containers()[index]);
        let present_hash = present.and_then(|ours| ours.env(HASH));
        let has_token = present.is_some_and(|ours| ours.env(TOKEN_FILE_VARIABLE).is_some());
        let plan = Self {
            duties: Duties {
                install: mark || asked.inject == Inject::Client,
                mark,
                signal_alone: subject.settings.controller == Controller::Absent,
            },
            resources: Budget::of(spec, &around, place.index).fit(wish),
            was_injected: present_hash.is_some()
                || subject.before.is_some_and(container::goes_with),
            had_token: has_token || subject.before.is_some_and(Record::has_token),
            present_hash,
            subject,
            around,
            place,
            wish,
        };
        if plan.needs_container() {
            plan.check_order()?;
        }
        Ok(plan)
    }

    /// Refuses a marker in a sidecar that starts before the client is there: a hook that cannot run
    /// kills its container.
    fn check_order(&self) -> Result<(), Refusal> {
        let signaller = self.signaller;
        let before = self.around.before(self.place.index);
        if !self.duties.mark || !before.iter().any(|c| std::ptr::eq(*c, signaller)) {
            return Ok(());
        }
        let rule =
            "it starts before oncue-wait has left the client: use depends-on-position: first";
        let error = AnnotationError::value(Key::SignalsContainer, signaller.name(), &rule);
        Err(Refusal::Annotations(vec![error]))
    }

    /// Returns whether the pod needs our container at all.
    pub(crate) fn needs_container(&self) -> bool {
        let asked = self.asked;
        let signals = [&asked.signals_on_init, &asked.signals_on_wait];
        self.waits() || self.duties.install || signals.iter().any(|list| !list.is_empty())
    }

    /// Returns whether our container waits for something.
    pub(crate) fn waits(&self) -> bool {
        let asked = self.asked;
        asked.mode == Mode::Init && !asked.depends_on.is_empty()
    }

    /// Returns whether the pod gets `volume`.
    pub(crate) fn needs(&self, volume: OwnVolume) -> bool {
        self.needs_container()
            && match volume {
                OwnVolume::Client => true,
                OwnVolume::Token => self.settings.proof == Proof::Token,
            }
    }

    /// Returns whether an earlier round put `volume` into the pod.
    pub(crate) fn had(&self, volume: OwnVolume) -> bool {
        self.was_injected()
            && match volume {
                OwnVolume::Client => true,
                OwnVolume::Token => self.had_token,
            }
    }

    /// Returns whether `volume` is mounted into the pod's own `container`.
    pub(crate) fn needs_mount(&self, volume: OwnVolume, container: &Container<'_>) -> bool {
        let uses_client = self.asked.inject == Inject::Client || self.needs_marker(container);
        uses_client && self.needs(volume)
    }

    /// Returns whether the pod's own `container` gets the marker.
    pub(crate) fn needs_marker(&self, container: &Container<'_>) -> bool {
        self.duties.mark && std::ptr::eq(container, self.signaller)
    }

    /// Returns our container's hash where an earlier round left it.
    pub(crate) fn present_hash(&self) -> Option<&str> {
        self.present_hash.as_deref()
    }

    /// Returns whether an earlier round put our container into the pod, be it there still or
    /// dropped by another webhook.
    pub(crate) fn was_injected(&self) -> bool {
        self.was_injected
    }
}

/// Returns what the annotation and the settings want for our container.
fn wish(asked: &PodAnnotations, settings: Resources) -> Result<Resources, Refusal> {
    let Some(text) = &asked.resources else {
        return Ok(settings);
    };
    settings
        .with(text)
        .map_err(|error| Refusal::Annotations(vec![AnnotationError::syntax(Key::Resources, error)]))
}

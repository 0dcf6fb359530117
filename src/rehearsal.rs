//! Plays a set of files on this machine: a real store, a real webhook over TLS, the real injected
//! commands as processes. Only the cluster around them is played.
//!
//! | module | what it holds | |
//! | --- | --- | --- |
//! | `cast` | the controllers and Services of the files, and the pods they create | pure |
//! | `stage` | the cluster as a state machine: events in, actions out | pure |
//! | `kubelet` | what a kubelet makes of a container's command | pure |
//! | `quiescence` | when a wait can no longer end | pure |
//! | `verdict`, `report` | who is stuck because of whom, and the summary | pure |
//! | `cue`, `timeline` | what is told as it happens | |
//! | `directions`, `speed` | what the command line says | pure |
//! | `play` | the shell: listeners, processes, time | |
//! | `client` | the client's side: its clock and its probes | |

mod cast;
mod client;
mod cue;
mod directions;
mod kubelet;
mod play;
mod quiescence;
mod report;
mod speed;
mod stage;
mod timeline;
mod verdict;

use oncue_language::Namespace;
use serde_json::Value;
use thiserror::Error;

use self::{
    cast::{Cast, CastError},
    play::{Audience, PlayError},
    stage::{DirectionsError, Stage},
};
pub(crate) use self::{
    client::run as run_client,
    directions::{Assumption, Directions},
    play::Curtain,
    report::Report,
    speed::Speed,
    timeline::{Detail, Timeline},
};

/// Everything that a rehearsal is made from.
#[derive(Debug)]
pub(crate) struct Rehearsal<'a> {
    /// The objects of the files, each with the name of its file.
    pub(crate) objects: Vec<(&'a str, &'a Value)>,
    /// Where objects live that do not say.
    pub(crate) namespace: &'a Namespace,
    /// What-ifs and assumptions.
    pub(crate) directions: Directions,
    /// How fast time runs.
    pub(crate) speed: Speed,
}

impl Rehearsal<'_> {
    /// Plays it to its end; `None` where it was interrupted.
    ///
    /// # Errors
    /// [`RehearsalError`] where it cannot be played. What fails on the stage is in the report.
    pub(crate) async fn play(
        self,
        audience: &mut impl Audience,
    ) -> Result<Option<Report>, RehearsalError> {
        let Self {
            objects,
            namespace,
            directions,
            speed,
        } = self;
        let cast = Cast::new(objects, namespace)?;
        if cast.controllers.is_empty() {
            return Err(RehearsalError::Nobody);
        }
        let mut stage = Stage::new(cast, directions)?;
        let (curtain, took) = play::play(&mut stage, speed, audience).await?;
        Ok(match curtain {
            Curtain::Quiescence(stuck) => Some(Report::new(&stage, &stuck, took)),
            Curtain::Interrupted => None,
        })
    }
}

/// Why a rehearsal cannot be played.
#[derive(Debug, Error)]
pub(crate) enum RehearsalError {
    /// An object cannot be read.
    #[error(transparent)]
    Cast(#[from] CastError),
    /// A what-if about nobody.
    #[error(transparent)]
    Directions(#[from] DirectionsError),
    /// The files create no pods.
    #[error("these files create no pods: name some with a Pod, a Deployment, a Job or the like")]
    Nobody,
    /// Something of its own fails.
    #[error(transparent)]
    Play(#[from] PlayError),
}

//! Where the annotations of a workload's pods stand.

use super::{Part, Place};
use crate::{
    language::{Keys, annotation::Key},
    workload::Workload,
};

/// Where the annotations of a workload's pods stand, however their keys are written.
///
/// All are looked through once: there may be as many of them as there are things to say.
pub(super) struct Places<'a> {
    pub(super) object: usize,
    pub(super) workload: &'a Workload<'a>,
    ours: Vec<(Key, &'a str)>,
}

impl<'a> Places<'a> {
    pub(super) fn new(keys: &Keys, object: usize, workload: &'a Workload<'a>) -> Self {
        let written = workload.annotations();
        let ours = written.filter_map(|(text, _)| Some((keys.key(text)?, text)));
        Self {
            object,
            workload,
            ours: ours.collect(),
        }
    }

    /// Returns the place of the annotation `key`.
    pub(super) fn of(&self, key: Key) -> Place {
        let found = self.ours.iter().find(|(candidate, _)| *candidate == key);
        self.written(found.map_or("", |(_, text)| text))
    }

    /// Returns the place of the first annotation that is ours.
    pub(super) fn first(&self) -> Place {
        self.written(self.ours.first().map_or("", |(_, text)| text))
    }

    /// Returns the place of the annotation whose key is written so.
    pub(super) fn written(&self, key: &str) -> Place {
        Place {
            object: self.object,
            pointer: self.workload.annotation_pointer(key),
            part: Part::Key,
        }
    }
}

//! The places of the annotations of a workload's pods.

use json_patch::jsonptr::Token;
use serde_json::Value;

use super::{Part, Place};
use crate::{
    language::{Keys, annotation::Key},
    workload::Workload,
};

/// The places of the annotations of a workload's pods, with or without a prefix.
///
/// The annotations are read once, because there may be as many findings as annotations.
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
        self.written(self.find(key).unwrap_or_default())
    }

    /// Returns the place of the first of `keys` that exists, or else of oncue's first annotation.
    pub(super) fn of_any(&self, keys: &[Key]) -> Place {
        let found = keys.iter().find_map(|key| self.find(*key));
        let found = found.or_else(|| self.ours.first().map(|(_, text)| *text));
        self.written(found.unwrap_or_default())
    }

    fn find(&self, key: Key) -> Option<&'a str> {
        let mut ours = self.ours.iter();
        ours.find_map(|(candidate, text)| (*candidate == key).then_some(*text))
    }

    /// Returns the value at a JSON pointer in the document, if it is in the workload's object.
    pub(super) fn value(&self, pointer: &str) -> Option<&'a Value> {
        let object = self.workload.object();
        object.pointer(pointer.strip_prefix(self.workload.pointer())?)
    }

    /// Returns the place of the label `label`.
    pub(super) fn label(&self, label: &str) -> Place {
        let template = self.workload.template_pointer();
        Place {
            object: self.object,
            pointer: format!("{template}/metadata/labels/{}", Token::new(label).encoded()),
            part: Part::Key,
        }
    }

    /// Returns the place of the annotation with this spelling of its key.
    pub(super) fn written(&self, key: &str) -> Place {
        Place {
            object: self.object,
            pointer: self.workload.annotation_pointer(key),
            part: Part::Key,
        }
    }
}

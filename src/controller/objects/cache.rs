//! What a watch has shown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    cluster::{Observation, WatchFailure},
    objects::Source,
};

/// The namespace and the name of an object. The namespace of a node is empty.
type Name = (Box<str>, Box<str>);

/// The objects that a watch has shown, as far as they are read.
#[derive(Debug)]
pub(super) struct Cache {
    of: Source,
    objects: BTreeMap<Name, Value>,
    /// Those of the list that is being read.
    listed: Option<BTreeSet<Name>>,
    /// Whether a list was complete.
    is_complete: bool,
    /// Why nothing is shown.
    failure: Option<WatchFailure>,
}

/// Which objects may be others than before.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum News {
    /// All.
    All,
    /// None.
    Nothing,
    /// One, as it was and as it is.
    One([Option<Value>; 2]),
}

impl Cache {
    /// Returns a cache for a watch of these objects.
    pub(super) fn of(of: Source) -> Self {
        Self {
            of,
            objects: BTreeMap::new(),
            listed: None,
            is_complete: false,
            failure: None,
        }
    }

    /// Takes over what the watch shows.
    pub(super) fn observe(&mut self, observation: &Observation) -> News {
        match observation {
            // What was shown before counts until more is known.
            Observation::Failed(WatchFailure::Passing) if self.is_complete => News::Nothing,
            Observation::Failed(failure) => {
                let before = self.failure.replace(*failure);
                if before == self.failure {
                    News::Nothing
                } else {
                    News::All
                }
            }
            Observation::Gone(object) => self.change(object, None),
            Observation::Listed => {
                if let Some(listed) = self.listed.take() {
                    self.objects.retain(|name, _| listed.contains(name));
                }
                self.is_complete = true;
                self.failure = None;
                News::All
            }
            Observation::Listing => {
                self.listed = Some(BTreeSet::new());
                News::Nothing
            }
            Observation::Object(object) => self.change(object, Some(self.of.trim(object))),
        }
    }

    fn change(&mut self, object: &Value, after: Option<Value>) -> News {
        let name = name(object);
        if let Some(listed) = &mut self.listed {
            listed.insert(name.clone());
        }
        let before = match &after {
            Some(after) => self.objects.insert(name, after.clone()),
            None => self.objects.remove(&name),
        };
        if self.is_complete && before != after {
            News::One([before, after])
        } else {
            News::Nothing
        }
    }

    /// Returns the objects of a source.
    ///
    /// # Errors
    /// Why they are not known; `None` if they are expected to be soon.
    pub(super) fn find(&self, source: &Source) -> Result<Vec<&Value>, Option<WatchFailure>> {
        if let Some(failure) = self.failure {
            return Err(Some(failure));
        }
        if !self.is_complete {
            return Err(None);
        }
        if let (Some(namespace), Some(name)) = (&source.namespace, &source.selection.name) {
            let name = (namespace.as_str().into(), name.clone());
            return Ok(self.objects.get(&name).into_iter().collect());
        }
        let objects = self.objects.values();
        Ok(objects.filter(|object| source.contains(object)).collect())
    }
}

fn name(object: &Value) -> Name {
    let member = |pointer| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().into()
    };
    (member("/metadata/namespace"), member("/metadata/name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{language::ObjectKey, objects::Sources};

    fn mk_key(name: &str) -> ObjectKey {
        let namespace = "shop".parse().ok();
        ObjectKey::named("configmap".parse().unwrap(), namespace, name)
    }

    fn mk_source(name: &str) -> Source {
        Sources::of(&mk_key(name)).named.unwrap()
    }

    fn mk_object(name: &str) -> Value {
        json!({"metadata": {"namespace": "shop", "name": name}})
    }

    fn mk_cache(observations: &[Observation]) -> Cache {
        let mut cache = Cache::of(mk_source("c"));
        for observation in observations {
            cache.observe(observation);
        }
        cache
    }

    #[test]
    fn nothing_is_known_before_a_list_is_complete() {
        let begun = [Observation::Listing, Observation::Object(mk_object("c"))];
        let mut cache = mk_cache(&begun);
        assert_eq!(cache.find(&mk_source("c")), Err(None));
        assert_eq!(cache.observe(&Observation::Listed), News::All);
        assert_eq!(cache.find(&mk_source("c")).unwrap().len(), 1);
        assert_eq!(cache.find(&mk_source("d")), Ok(vec![]));
    }

    #[test]
    fn a_new_list_drops_what_is_not_in_it() {
        let cache = mk_cache(&[
            Observation::Listing,
            Observation::Object(mk_object("c")),
            Observation::Object(mk_object("d")),
            Observation::Listed,
            Observation::Listing,
            Observation::Object(mk_object("d")),
            Observation::Listed,
        ]);
        assert_eq!(cache.find(&mk_source("c")), Ok(vec![]));
        assert_eq!(cache.find(&mk_source("d")).unwrap().len(), 1);
    }

    #[test]
    fn only_a_change_that_is_read_is_news() {
        let mut cache = mk_cache(&[Observation::Listing, Observation::Listed]);
        let mut object = mk_object("c");
        let news = cache.observe(&Observation::Object(object.clone()));
        assert!(matches!(news, News::One([None, Some(_)])), "{news:?}");
        object["data"] = json!({"not": "read"});
        assert_eq!(
            cache.observe(&Observation::Object(object.clone())),
            News::Nothing
        );
        let news = cache.observe(&Observation::Gone(object));
        assert!(matches!(news, News::One([Some(_), None])), "{news:?}");
    }

    #[test]
    fn a_missing_right_is_told_until_a_list_is_complete_again() {
        let forbidden = Observation::Failed(WatchFailure::Forbidden);
        let mut cache = mk_cache(&[Observation::Listing, Observation::Listed]);
        assert_eq!(
            cache.observe(&Observation::Failed(WatchFailure::Passing)),
            News::Nothing
        );
        assert_eq!(cache.observe(&forbidden), News::All);
        assert_eq!(cache.observe(&forbidden), News::Nothing);
        assert_eq!(
            cache.find(&mk_source("c")),
            Err(Some(WatchFailure::Forbidden))
        );
        cache.observe(&Observation::Listing);
        cache.observe(&Observation::Listed);
        assert_eq!(cache.find(&mk_source("c")), Ok(vec![]));
    }
}

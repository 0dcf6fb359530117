//! Which watches show everything that is asked for: pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cluster::Watched,
    language::{Namespace, ObjectKind, object::LabelSelector},
    objects::{Part, Selection, Source, WatchedKind},
};

/// A watch of objects of one kind.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Watch {
    pub(super) kind: WatchedKind,
    pub(super) part: Part,
    scope: Scope,
}

/// Which objects of its kind a watch shows.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Scope {
    /// Those of all namespaces, or of none if they live in none.
    Cluster,
    /// Those of one namespace.
    Namespace(Namespace),
    /// Those of one namespace, or of none, that are selected.
    Selected(Option<Namespace>, Selection),
}

/// The watches that together show some sources.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Plan(BTreeSet<Watch>);

impl Plan {
    /// Returns as few watches as show all sources without showing too much besides.
    ///
    /// Some sources are not shown if that takes too many watches of whole objects, or of kinds that
    /// are not built in. Neither takes anything from the others.
    pub(super) fn of<'s>(sources: impl IntoIterator<Item = &'s Source>) -> Self {
        let mut judged = Kinds::new();
        let (mut whole, mut others) = (Kinds::new(), Kinds::new());
        for source in sources {
            let kinds = match (source.part, &source.kind) {
                (Part::Whole, _) => &mut whole,
                (_, WatchedKind::Object(ObjectKind::Other(_))) => &mut others,
                _ => &mut judged,
            };
            let namespaces = kinds.entry((&source.kind, source.part)).or_default();
            let selections = namespaces.entry(&source.namespace).or_default();
            selections.insert(&source.selection);
        }
        let widths = [Width::NARROW, Width::CLUSTER].map(|width| watches(&judged, width));
        let [narrow, wide] = widths;
        let mut all = if narrow.len() > MOST_BUILT_IN {
            wide
        } else {
            narrow
        };
        // Whole objects may be large: nobody makes us keep more of them than are asked for.
        all.extend(
            watches(&whole, Width::NARROWEST)
                .into_iter()
                .take(MOST_WHOLE),
        );
        all.extend(
            watches(&others, Width::NARROW)
                .into_iter()
                .take(MOST_OTHERS),
        );
        Self(all)
    }

    /// Returns the watches.
    pub(super) fn watches(&self) -> &BTreeSet<Watch> {
        &self.0
    }

    /// Returns the watch that shows a source.
    pub(super) fn watch_of(&self, source: &Source) -> Option<&Watch> {
        let namespace = &source.namespace;
        let scopes = [
            Some(Scope::Cluster),
            namespace.clone().map(Scope::Namespace),
            Some(Scope::Selected(namespace.clone(), source.selection.clone())),
        ];
        let watch = |scope| Watch {
            kind: source.kind.clone(),
            part: source.part,
            scope,
        };
        let mut watches = scopes.into_iter().flatten().map(watch);
        watches.find_map(|watch| self.0.get(&watch))
    }
}

/// The selections of each kind and part by their namespaces.
type Kinds<'s> = BTreeMap<(&'s WatchedKind, Part), Namespaces<'s>>;
type Namespaces<'s> = BTreeMap<&'s Option<Namespace>, BTreeSet<&'s Selection>>;

/// When a watch is widened.
#[derive(Clone, Copy)]
struct Width {
    /// Beyond so many namespaces of one kind, one watch shows all.
    namespaces: usize,
    /// Beyond so many selections in one namespace, one watch shows all of its objects.
    selections: usize,
}

impl Width {
    const CLUSTER: Self = Self {
        namespaces: 0,
        selections: 0,
    };
    const NARROW: Self = Self {
        namespaces: 20,
        selections: 4,
    };
    const NARROWEST: Self = Self {
        namespaces: usize::MAX,
        selections: usize::MAX,
    };
}

fn watches(kinds: &Kinds<'_>, width: Width) -> BTreeSet<Watch> {
    let of_kind = |((kind, part), namespaces): (&(&WatchedKind, Part), &Namespaces<'_>)| {
        let (kind, part) = ((*kind).clone(), *part);
        let watch = move |scope| Watch {
            kind: kind.clone(),
            part,
            scope,
        };
        scopes(namespaces, width).into_iter().map(watch)
    };
    kinds.iter().flat_map(of_kind).collect()
}

fn scopes(namespaces: &Namespaces<'_>, width: Width) -> Vec<Scope> {
    if namespaces.len() > width.namespaces {
        return vec![Scope::Cluster];
    }
    let mut scopes = Vec::new();
    for (namespace, selections) in namespaces {
        if selections.len() > width.selections {
            scopes.push(match namespace {
                Some(namespace) => Scope::Namespace(namespace.clone()),
                None => Scope::Cluster,
            });
        } else {
            let selected = |it: &&Selection| Scope::Selected((*namespace).clone(), (*it).clone());
            scopes.extend(selections.iter().map(selected));
        }
    }
    scopes
}

impl Watch {
    /// Returns what the API server is asked for.
    pub(super) fn watched(&self) -> Watched {
        let (namespace, selection) = match &self.scope {
            Scope::Cluster => (None, None),
            Scope::Namespace(namespace) => (Some(namespace), None),
            Scope::Selected(namespace, selection) => (namespace.as_ref(), Some(selection)),
        };
        let written = |text: String| Some(text).filter(|text| !text.is_empty());
        Watched {
            namespace: namespace.map(ToString::to_string),
            labels: selection.and_then(|it| written(it.label_selector())),
            fields: selection.and_then(|it| written(it.field_selector())),
            metadata_only: self.part == Part::Metadata,
        }
    }

    /// Returns the namespace of the objects, if it is one.
    pub(super) fn namespace(&self) -> Option<&Namespace> {
        match &self.scope {
            Scope::Cluster => None,
            Scope::Namespace(namespace) => Some(namespace),
            Scope::Selected(namespace, _) => namespace.as_ref(),
        }
    }

    /// Returns all objects that it can show, as a source.
    pub(super) fn source(&self) -> Source {
        Source {
            kind: self.kind.clone(),
            namespace: self.namespace().cloned(),
            part: self.part,
            selection: Selection {
                name: None,
                labels: LabelSelector::from_iter([]),
                node: None,
            },
        }
    }
}

/// How many watches there are at most. Each takes a connection.
pub(super) const MOST_WATCHES: usize = MOST_BUILT_IN + MOST_WHOLE + MOST_OTHERS;

/// Beyond so many watches of built-in kinds, there is one for each kind.
const MOST_BUILT_IN: usize = 100;
const MOST_OTHERS: usize = 50;
const MOST_WHOLE: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        language::{ObjectKey, Subject, Term},
        objects::Sources,
    };

    type Shown = (Option<String>, Option<String>);

    fn mk_sources(terms: &[String]) -> Vec<Source> {
        let of = |term: &String| {
            let term: Term = term.parse().unwrap();
            let condition = term.condition(&"shop".parse().unwrap()).unwrap().unwrap();
            let Subject::Object(key) = condition.subject else {
                unreachable!("{condition} asks for an object");
            };
            let key: ObjectKey = *key;
            let Sources { named, related } = Sources::of(&key);
            named.into_iter().chain(related)
        };
        terms.iter().flat_map(of).collect()
    }

    fn mk_terms(count: usize, term: impl Fn(usize) -> String) -> Vec<String> {
        (0..count).map(term).collect()
    }

    /// Returns a plan that shows all terms, and the namespace and fields of each of its watches.
    fn planned(terms: &[String]) -> (Plan, Vec<Shown>) {
        let sources = mk_sources(terms);
        let plan = Plan::of(&sources);
        assert!(sources.iter().all(|source| plan.watch_of(source).is_some()));
        let watched = plan.watches().iter().map(Watch::watched);
        let shown = watched.map(|it| (it.namespace, it.fields)).collect();
        (plan, shown)
    }

    #[test]
    fn a_single_object_is_watched_by_its_name() {
        let (_, shown) = planned(&["job:a".to_owned(), "job:b@till".to_owned()]);
        let named = |namespace: &str, name: &str| {
            (
                Some(namespace.to_owned()),
                Some(format!("metadata.name={name}")),
            )
        };
        assert_eq!(shown, [named("shop", "a"), named("till", "b")]);
    }

    #[test]
    fn many_objects_of_a_namespace_share_a_watch() {
        let (_, shown) = planned(&mk_terms(5, |n| format!("job:j{n}")));
        assert_eq!(shown, [(Some("shop".to_owned()), None)]);
    }

    #[test]
    fn many_namespaces_share_a_watch_of_the_cluster() {
        let (_, shown) = planned(&mk_terms(20, |n| format!("job:j@n{n}")));
        assert_eq!(shown.len(), 20);
        let (_, shown) = planned(&mk_terms(21, |n| format!("job:j@n{n}")));
        assert_eq!(shown, [(None, None)]);
    }

    #[test]
    fn kinds_and_parts_are_watched_apart() {
        let terms = [
            "configmap:c",
            "configmap:c{.data.x}",
            "secret:s",
            "service:s",
        ];
        let (plan, _) = planned(&terms.map(str::to_owned));
        // A Service has slices besides.
        assert_eq!(plan.watches().len(), 5);
        let is_whole = |watch: &&Watch| !watch.watched().metadata_only;
        assert_eq!(plan.watches().iter().filter(is_whole).count(), 3);
    }

    #[test]
    fn kinds_that_are_not_built_in_take_nothing_from_the_others() {
        let mut terms = mk_terms(MOST_OTHERS + 1, |n| format!("r{n}.example.com:x"));
        terms.push("secret:s".to_owned());
        let sources = mk_sources(&terms);
        let plan = Plan::of(&sources);
        assert_eq!(plan.watches().len(), MOST_OTHERS + 1);
        let shown = sources.iter().filter(|it| plan.watch_of(it).is_some());
        assert_eq!(shown.count(), MOST_OTHERS + 1);
        let secret = sources.last().unwrap();
        assert!(plan.watch_of(secret).is_some());
    }

    #[test]
    fn whole_objects_are_watched_by_their_names_alone() {
        let sources = mk_sources(&mk_terms(MOST_WHOLE + 1, |n| {
            format!("configmap:c{n}{{.data.x}}")
        }));
        let plan = Plan::of(&sources);
        assert_eq!(plan.watches().len(), MOST_WHOLE);
        assert!(
            plan.watches()
                .iter()
                .all(|it| it.watched().fields.is_some())
        );
    }

    #[test]
    fn very_many_watches_of_built_in_kinds_become_one_for_each() {
        let kinds = [
            "job",
            "deployment",
            "statefulset",
            "daemonset",
            "pod",
            "configmap",
        ];
        let terms: Vec<_> = kinds
            .iter()
            .flat_map(|kind| mk_terms(20, |n| format!("{kind}:x@n{n}")))
            .collect();
        let (plan, shown) = planned(&terms);
        assert_eq!(plan.watches().len(), kinds.len());
        assert!(shown.iter().all(|it| *it == (None, None)));
    }
}

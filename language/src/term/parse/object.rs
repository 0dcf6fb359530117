//! The grammar of terms on objects.

use std::{borrow::Cow, num::NonZeroU32};

use super::{count, namespace, no_slashes, value};
use crate::{
    name::is_name_character,
    object::{
        ConditionType, ConditionTypeError, FieldDemand, FieldPath, FieldPathError, LabelSelector,
        NodeNameError, ObjectDemand, ObjectKind, ObjectKindError, ObjectTerm, OnNode, Which,
    },
    syntax::{Broken, Cursor, Quoted},
    template::{
        LabelValueError, NameTemplate, ObjectNameError, ResolveError, TemplateError, ValueTemplate,
        is_label_key,
    },
    term::{Scheme, Target},
};

/// Reads a term on objects, up to its demand.
pub(super) fn object(cursor: &mut Cursor<'_>) -> Result<ObjectTerm, Broken> {
    let kind = kind(cursor)?;
    let which = which(cursor, &kind)?;
    if kind.is_cluster_scoped() && cursor.peek() == Some('@') {
        return Err(cursor.broken(format!(
            "a {kind} lives in no namespace: drop the @ and what follows it"
        )));
    }
    let mut object = ObjectTerm {
        kind,
        which,
        namespace: namespace(cursor)?,
        demand: ObjectDemand::Rule,
        on_node: None,
    };
    demand(cursor, &mut object)?;
    if matches!(cursor.peek(), Some('=' | '>' | '{')) {
        return Err(cursor.broken(
            "one thing is asked of an object: a condition (=Ready), a field ({.status.phase}, with \
             =value or >=number) or a count (>=2)",
        ));
    }
    Ok(object)
}

/// Takes the kind with its colon.
fn kind(cursor: &mut Cursor<'_>) -> Result<ObjectKind, Broken> {
    let start = cursor.offset;
    let text = cursor.take_while(|c| c != ':');
    cursor.eat(":");
    let rest = cursor.rest_of_word();
    if let Some(scheme) = Scheme::ALL.into_iter().find(|it| it.as_str() == text) {
        return Err(Broken::at(start, no_slashes(scheme, rest)));
    }
    text.parse().map_err(|error: ObjectKindError| {
        let quoted = Quoted(text);
        let rule = if !rest.is_empty() && rest.bytes().all(|digit| digit.is_ascii_digit()) {
            format!(
                "{quoted} is not a kind that can be waited for; did you mean tcp://{text}:{rest}?"
            )
        } else {
            format!("{quoted} is not a kind that can be waited for; {error}")
        };
        Broken::at(start, rule)
    })
}

fn which(cursor: &mut Cursor<'_>, kind: &ObjectKind) -> Result<Which<NameTemplate>, Broken> {
    if cursor.peek() == Some('[') {
        if !matches!(kind, ObjectKind::Job | ObjectKind::Pod) {
            return Err(cursor.broken(format!(
                "labels select pod: and job: only: write the name, such as {kind}:x"
            )));
        }
        return Ok(Which::Labelled {
            labels: selector(cursor)?,
            at_least: NonZeroU32::MIN,
        });
    }
    let start = cursor.offset;
    let text = cursor.take_name("/*");
    if text.is_empty() {
        return Err(cursor.broken(format!("the name of the {kind} is missing, as in {kind}:x")));
    }
    let name = object_name(text).map_err(|rule| Broken::at(start, rule))?;
    Ok(Which::Named(name))
}

fn object_name(text: &str) -> Result<NameTemplate, ResolveError> {
    let error = || ObjectNameError {
        text: text.to_owned(),
    };
    let name: NameTemplate = match text.parse() {
        // Its rule speaks of variables.
        Err(TemplateError::Name(_)) => return Err(error().into()),
        parsed => parsed?,
    };
    // A variable's name drops these slashes.
    let is_whole = text.trim_matches('/') == text;
    if is_whole && name.may_name_object() {
        Ok(name)
    } else {
        Err(error().into())
    }
}

/// Takes `[key=value,key=value]`.
fn selector(cursor: &mut Cursor<'_>) -> Result<LabelSelector<NameTemplate>, Broken> {
    let start = cursor.offset;
    cursor.eat("[");
    let mut labels = LabelSelector::new();
    loop {
        cursor.skip_blanks();
        let at = cursor.offset;
        let (key, value) = label(cursor)?;
        labels
            .insert(key, value)
            .map_err(|_| Broken::at(at, format!("the label {key} appears twice: keep one")))?;
        cursor.skip_blanks();
        if cursor.eat("]") {
            return Ok(labels);
        }
        if cursor.is_at_end() {
            return Err(Broken::at(start, "this [ is never closed with ]"));
        }
        if !cursor.eat(",") {
            return Err(cursor.broken(SELECTOR));
        }
    }
}

const SELECTOR: &str =
    "a selector has labels as key=value, joined by commas, such as [app=db,tier=x]";

fn label<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a str, NameTemplate), Broken> {
    let start = cursor.offset;
    let key = cursor.take_while(|c| is_name_character(c) || c == '/');
    if !is_label_key(key) || !cursor.eat("=") {
        return Err(Broken::at(start, SELECTOR));
    }
    let at = cursor.offset;
    let text = cursor.take_name("");
    if text.is_empty() {
        return Err(Broken::at(
            at,
            format!("the value of the label {key} is missing: {SELECTOR}"),
        ));
    }
    let value = label_value(text).map_err(|rule| Broken::at(at, rule))?;
    Ok((key, value))
}

fn label_value(text: &str) -> Result<NameTemplate, ResolveError> {
    let error = || LabelValueError {
        text: text.to_owned(),
    };
    match text.parse::<NameTemplate>() {
        // Its rule speaks of variables.
        Err(TemplateError::Name(_)) => Err(error().into()),
        Ok(value) if !value.may_be_label_value() => Err(error().into()),
        parsed => Ok(parsed?),
    }
}

/// Takes what is asked of the objects, and fills it in.
fn demand(cursor: &mut Cursor<'_>, object: &mut ObjectTerm) -> Result<(), Broken> {
    let start = cursor.offset;
    if let Some(path) = path(cursor)? {
        let demand = field_demand(cursor)?;
        object.demand = ObjectDemand::Field { path, demand };
    } else if cursor.peek() == Some('>') {
        match (&object.kind, &mut object.which) {
            (ObjectKind::Pod, Which::Labelled { at_least, .. }) => {
                *at_least = count(cursor)?.unwrap_or(NonZeroU32::MIN);
            }
            _ => return Err(cursor.broken(NO_COUNT)),
        }
    } else if cursor.eat("=") {
        object.demand = ObjectDemand::Condition(condition(cursor)?);
    }
    check_demand(object).map_err(|rule| Broken::at(start, rule))
}

/// Takes the type of a condition, and says what is wrong with kubectl's ways to write one.
fn condition(cursor: &mut Cursor<'_>) -> Result<ConditionType, Broken> {
    let start = cursor.offset;
    if cursor.rest().starts_with(['"', '\'', '$']) {
        return Err(cursor.broken(BARE_CONDITION));
    }
    let text = cursor.take_while(|c| is_name_character(c) || c == '/');
    let condition = text.parse();
    let condition = condition.map_err(|error: ConditionTypeError| Broken::at(start, error))?;
    match cursor.peek() {
        Some('=') if text == "condition" => Err(Broken::at(start, CONDITION_PREFIX)),
        Some('=') => Err(cursor.broken(CONDITION_VALUE)),
        Some('$') => Err(Broken::at(start, BARE_CONDITION)),
        _ => Ok(condition),
    }
}

const BARE_CONDITION: &str =
    "a condition is a bare word, such as =Ready: without quotes and without $(...)";

const CONDITION_PREFIX: &str = "write the type of the condition alone: drop condition=";

const CONDITION_VALUE: &str =
    "a condition holds if it is True, and nothing else can be asked of it: drop this, as in =Ready";

const NO_COUNT: &str = "a count goes with the labels of pods, such as pod:[app=db]>=2, and a number with a field, such \
     as deployment:x{.status.readyReplicas}>=3";

fn check_demand(object: &ObjectTerm) -> Result<(), Cow<'static, str>> {
    match (&object.kind, &object.demand) {
        (_, ObjectDemand::Rule) => Ok(()),
        (ObjectKind::Secret, _) => {
            Err("a Secret can only be asked for its existence, such as secret:x".into())
        }
        (ObjectKind::ConfigMap, ObjectDemand::Condition(_)) => Err(
            "a ConfigMap has no conditions: ask for a field, such as configmap:x{.data.ready}=true"
                .into(),
        ),
        (ObjectKind::PersistentVolumeClaim, ObjectDemand::Condition(condition)) => {
            check_phase(condition, &object.which)
        }
        _ => Ok(()),
    }
}

/// Refuses the phases of a claim, which are easily taken for its conditions.
fn check_phase(
    condition: &ConditionType,
    which: &Which<NameTemplate>,
) -> Result<(), Cow<'static, str>> {
    let is_asked = |phase: &&str| phase.eq_ignore_ascii_case(condition.as_str());
    let claim = ObjectKind::PersistentVolumeClaim;
    match CLAIM_PHASES.into_iter().find(is_asked) {
        None => Ok(()),
        Some(BOUND) => Err(format!("{BOUND} is not a condition: write {claim}:{which}").into()),
        Some(phase) => Err(format!(
            "{phase} is not a condition: write {claim}:{which}{{.status.phase}}={phase}"
        )
        .into()),
    }
}

const BOUND: &str = "Bound";

const CLAIM_PHASES: [&str; 3] = [BOUND, "Lost", "Pending"];

/// Takes `{path}`, if there is one.
fn path(cursor: &mut Cursor<'_>) -> Result<Option<FieldPath>, Broken> {
    let start = cursor.offset;
    if !cursor.eat("{") {
        return Ok(None);
    }
    let mut quoted = false;
    let is_end = |c: char| {
        quoted ^= c == '\'';
        c == '}' && !quoted
    };
    let rest = cursor.rest();
    let Some(end) = rest.find(is_end) else {
        return Err(Broken::at(start, "this { is never closed with }"));
    };
    let at = cursor.offset;
    cursor.offset += end + 1;
    let path = rest[..end].parse();
    path.map(Some)
        .map_err(|error: FieldPathError| Broken::at(at + error.offset, error))
}

fn field_demand(cursor: &mut Cursor<'_>) -> Result<FieldDemand<ValueTemplate>, Broken> {
    let start = cursor.offset;
    if cursor.peek() == Some('>') {
        let digits = if cursor.eat(">=") {
            cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        } else {
            ""
        };
        let number = digits
            .parse()
            .map_err(|_| Broken::at(start, NOT_A_NUMBER))?;
        return Ok(FieldDemand::AtLeast(number));
    }
    if !cursor.eat("=") {
        return Ok(FieldDemand::IsSet);
    }
    Ok(FieldDemand::Equals(value(cursor)?))
}

const NOT_A_NUMBER: &str =
    "a field is compared with >= and a whole number, such as {.status.readyReplicas}>=3";

/// Takes `on node`, if it is written. Fails if it does not go with `target`.
pub(super) fn on_node(cursor: &mut Cursor<'_>, target: &Target) -> Result<Option<OnNode>, Broken> {
    let before = cursor.offset;
    cursor.skip_blanks();
    let start = cursor.offset;
    if start == before || cursor.rest_of_word() != "on" {
        cursor.offset = before;
        return Ok(None);
    }
    check_on_node(target).map_err(|rule| Broken::at(start, rule))?;
    cursor.eat("on");
    cursor.skip_blanks();
    let word = cursor.rest_of_word();
    let node = match word.strip_prefix("node") {
        Some("") => OnNode::Own,
        Some(rest) if rest.starts_with('=') => {
            let at = cursor.offset + "node=".len();
            let name = rest[1..].parse();
            OnNode::Named(name.map_err(|error: NodeNameError| Broken::at(at, error))?)
        }
        _ => return Err(cursor.broken("write node after on, as in daemonset:x on node")),
    };
    cursor.offset += word.len();
    Ok(Some(node))
}

fn check_on_node(target: &Target) -> Result<(), &'static str> {
    let Target::Object(object) = target else {
        return Err(ON_NODE);
    };
    match (&object.kind, &object.which, &object.demand) {
        (ObjectKind::DaemonSet, _, ObjectDemand::Rule)
        | (ObjectKind::Pod, Which::Labelled { .. }, _) => Ok(()),
        (ObjectKind::DaemonSet, _, _) => Err(
            "on node asks whether the DaemonSet's pod on the node is Ready: it takes no condition \
             or field",
        ),
        _ => Err(ON_NODE),
    }
}

const ON_NODE: &str = "on node goes with a DaemonSet or the labels of pods: daemonset:x on node, pod:[app=db] on node";

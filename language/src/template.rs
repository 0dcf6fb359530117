//! Names and values with `$(POD_NAME)` and the like in them, and what is known of a pod to fill them
//! in.

mod pieces;
mod value;

use std::{collections::BTreeMap, fmt, str::FromStr};

use thiserror::Error;

pub(crate) use self::pieces::escape;
use self::pieces::{Piece, Pieces};
pub use self::{
    pieces::PlaceholderError,
    value::{ValueTemplate, ValueTemplateError},
};
use crate::{
    name::{self, MAX_NAME_BYTES, NameError, VariableName},
    object::NodeNameError,
    syntax::Quoted,
    value::ValueError,
};

/// What stands for something of the pod's own in a name or a value.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Placeholder {
    /// `$(CONTAINER)`: the container whose start the marker reports.
    Container,
    /// `$(labels['key'])`: the value of one of the pod's labels.
    Label(Box<str>),
    /// `$(NODE_NAME)`: the node the pod runs on, known once it is scheduled.
    NodeName,
    /// `$(POD_NAME)`: the pod's name, known at admission unless it is generated.
    PodName,
    /// `$(POD_NAMESPACE)`: the pod's namespace.
    PodNamespace,
    /// `$(POD_UID)`: the pod's uid, known once it is created.
    PodUid,
}

impl Placeholder {
    /// Returns the environment variable that carries the value if it is known only once the
    /// pod runs, as the kubelet expands it in a container's `args`.
    pub fn environment_variable(&self) -> Option<&'static str> {
        match self {
            Self::NodeName => Some("NODE_NAME"),
            Self::PodName => Some("POD_NAME"),
            Self::PodNamespace => Some("POD_NAMESPACE"),
            Self::PodUid => Some("POD_UID"),
            Self::Container | Self::Label(_) => None,
        }
    }

    fn parse(inner: &str) -> Option<Self> {
        Some(match inner {
            "CONTAINER" => Self::Container,
            "NODE_NAME" => Self::NodeName,
            "POD_NAME" => Self::PodName,
            "POD_NAMESPACE" => Self::PodNamespace,
            "POD_UID" => Self::PodUid,
            _ => {
                let key = inner.strip_prefix("labels['")?.strip_suffix("']")?;
                if !is_label_key(key) {
                    return None;
                }
                Self::Label(key.into())
            }
        })
    }
}

/// Returns whether `key` is `name` or `prefix/name`, each of name characters and with a letter or
/// digit at both ends, as Kubernetes wants it.
pub(crate) fn is_label_key(key: &str) -> bool {
    key.split('/').count() <= 2 && key.split('/').all(is_label_part)
}

fn is_label_part(part: &str) -> bool {
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    part.chars().all(name::is_name_character)
        && is_end(part.chars().next())
        && is_end(part.chars().last())
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container => f.write_str("$(CONTAINER)"),
            Self::Label(key) => write!(f, "$(labels['{key}'])"),
            Self::NodeName => f.write_str("$(NODE_NAME)"),
            Self::PodName => f.write_str("$(POD_NAME)"),
            Self::PodNamespace => f.write_str("$(POD_NAMESPACE)"),
            Self::PodUid => f.write_str("$(POD_UID)"),
        }
    }
}

/// What is known of a pod at some moment; `None` is what only a later moment knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The container whose start the marker reports.
    pub container: Option<&'a str>,
    /// All labels of the pod, in a map: a hostile pod has many, and many names that ask for them.
    pub labels: Option<&'a BTreeMap<&'a str, &'a str>>,
    /// The labels whose values are known later only, even if `labels` has them.
    pub later_labels: &'a [&'a str],
    /// The node's name.
    pub node_name: Option<&'a str>,
    /// The pod's name.
    pub pod_name: Option<&'a str>,
    /// The pod's namespace.
    pub pod_namespace: Option<&'a str>,
    /// The pod's uid.
    pub pod_uid: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// Returns the value of `placeholder`, `None` where only a later moment knows it.
    ///
    /// # Errors
    /// [`EmptySubstitution`] if it is known to be empty or absent.
    pub fn value(&self, placeholder: &Placeholder) -> Result<Option<&'a str>, EmptySubstitution> {
        let value = match placeholder {
            Placeholder::Container => self.container,
            Placeholder::Label(key) if self.later_labels.contains(&&**key) => None,
            Placeholder::Label(key) => self
                .labels
                .map(|labels| labels.get(&**key).copied().unwrap_or_default()),
            Placeholder::NodeName => self.node_name,
            Placeholder::PodName => self.pod_name,
            Placeholder::PodNamespace => self.pod_namespace,
            Placeholder::PodUid => self.pod_uid,
        };
        match value {
            Some("") => Err(EmptySubstitution {
                placeholder: placeholder.clone(),
            }),
            known => Ok(known),
        }
    }
}

/// A substitution that would leave nothing in its place.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{placeholder} is empty for this pod")]
pub struct EmptySubstitution {
    /// What would be replaced.
    pub placeholder: Placeholder,
}

/// A name as a person writes it in an annotation: a variable's name, or an object's, with
/// placeholders in it.
///
/// The literal parts obey the grammar of [`VariableName`]; what the placeholders bring is checked
/// when they are filled in.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct NameTemplate {
    pieces: Pieces,
}

impl NameTemplate {
    /// Returns the placeholders that are left, in the order of their first use.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.placeholders()
    }

    /// Returns the text if no placeholder is left.
    pub fn literal(&self) -> Option<&str> {
        self.pieces.literal()
    }

    /// Returns whether what is known of it may stand in an object's name.
    pub(crate) fn may_name_object(&self) -> bool {
        let is_right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        self.pieces
            .literals()
            .all(|text| text.chars().all(is_right))
    }

    /// Returns whether what is known of it may stand in a label's value, which is not empty.
    pub(crate) fn may_be_label_value(&self) -> bool {
        match self.literal() {
            Some(whole) => whole.len() <= MAX_LABEL_VALUE_BYTES && is_label_part(whole),
            None => self
                .pieces
                .literals()
                .all(|text| text.chars().all(name::is_name_character)),
        }
    }

    /// Returns the variable name if no placeholder is left.
    pub fn variable_name(&self) -> Option<VariableName> {
        self.literal()?.parse().ok()
    }

    /// Fills in what `facts` knows and leaves the rest.
    ///
    /// # Errors
    /// [`ResolveError`] where a substitution is empty or the result is not a name.
    pub fn resolve(&self, facts: &Facts<'_>) -> Result<Self, ResolveError> {
        if self.literal().is_some() {
            return Ok(self.clone());
        }
        Ok(self.pieces.resolve(facts)?.try_into()?)
    }
}

/// Longest value of a label, in bytes.
const MAX_LABEL_VALUE_BYTES: usize = 63;

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pieces)
    }
}

impl From<VariableName> for NameTemplate {
    fn from(name: VariableName) -> Self {
        let pieces = Pieces::of_literal(name.as_str());
        Self { pieces }
    }
}

impl FromStr for NameTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if !text.contains("$(") {
            return Ok(text.parse::<VariableName>()?.into());
        }
        text.parse::<Pieces>()?.try_into()
    }
}

impl TryFrom<Pieces> for NameTemplate {
    type Error = TemplateError;

    fn try_from(pieces: Pieces) -> Result<Self, TemplateError> {
        if let Some(text) = pieces.literal() {
            return Ok(text.parse::<VariableName>()?.into());
        }
        let mut builder = Builder::default();
        for piece in pieces.iter() {
            match piece {
                Piece::Literal(text) => builder.literal(text)?,
                Piece::Placeholder(_) => builder.pieces.push(piece.clone()),
            }
        }
        builder.finish()
    }
}

/// Collects pieces and drops leading, trailing and repeated slashes on the way.
#[derive(Default)]
struct Builder {
    pieces: Vec<Piece>,
    literal_bytes: usize,
}

impl Builder {
    fn literal(&mut self, text: &str) -> Result<(), TemplateError> {
        let mut literal = String::with_capacity(text.len());
        for character in text.chars() {
            let repeated = character == '/'
                && (literal.ends_with('/') || literal.is_empty() && !self.after_placeholder());
            if !repeated {
                literal.push(character);
            }
        }
        for segment in literal.split('/') {
            // Dots beside a placeholder are judged when it is filled in.
            if let Err(error @ NameError::Character { .. }) = name::check_segment(segment) {
                return Err(error.into());
            }
        }
        self.literal_bytes += literal.len();
        if !literal.is_empty() {
            self.pieces.push(Piece::Literal(literal.into()));
        }
        Ok(())
    }

    fn after_placeholder(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Placeholder(_)))
    }

    fn finish(mut self) -> Result<NameTemplate, TemplateError> {
        if let Some(Piece::Literal(last)) = self.pieces.last_mut() {
            *last = last.trim_end_matches('/').into();
            if last.is_empty() {
                self.pieces.pop();
            }
        }
        let template = NameTemplate {
            pieces: self.pieces.into_iter().collect(),
        };
        template.check_whole_segments()?;
        if self.literal_bytes > MAX_NAME_BYTES {
            return Err(NameError::Long {
                bytes: self.literal_bytes,
            }
            .into());
        }
        Ok(template)
    }
}

impl NameTemplate {
    /// Rejects `.` and `..` unless a placeholder can make more of them.
    fn check_whole_segments(&self) -> Result<(), NameError> {
        self.to_string()
            .split('/')
            .filter(|segment| !segment.contains(['$', '(', ')', '[', ']', '\'']))
            .try_for_each(name::check_segment)
    }
}

/// Which rule a name with placeholders broke.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum TemplateError {
    /// A literal part that is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An unknown placeholder.
    #[error(transparent)]
    Placeholder(#[from] PlaceholderError),
}

/// A text that is not an object's name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{} is not an object's name: it has a-z 0-9 . - only", Quoted(.text))]
pub struct ObjectNameError {
    pub(crate) text: String,
}

/// A text that is not a label's value.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{} is not a label's value: it has at most {MAX_LABEL_VALUE_BYTES} of A-Z a-z 0-9 . _ - and \
     begins and ends with a letter or digit",
    Quoted(.text)
)]
pub struct LabelValueError {
    pub(crate) text: String,
}

/// Why a name or a value could not be filled in.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ResolveError {
    /// A placeholder whose value is empty.
    #[error(transparent)]
    Empty(#[from] EmptySubstitution),
    /// What the placeholders brought does not make a label's value.
    #[error(transparent)]
    Label(#[from] LabelValueError),
    /// It is not the name of a node.
    #[error(transparent)]
    Node(#[from] NodeNameError),
    /// What the placeholders brought does not make an object's name.
    #[error(transparent)]
    Object(#[from] ObjectNameError),
    /// What the placeholders brought does not make a variable's name.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// What the placeholders brought makes too long a value.
    #[error(transparent)]
    Value(#[from] ValueError),
}

#[cfg(test)]
mod tests;

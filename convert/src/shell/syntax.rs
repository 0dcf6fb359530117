//! The part of the shell's language that the machine runs.

use brush_parser::ast::ArithmeticExpr;

/// Commands one after the other.
pub(crate) type List = Vec<AndOr>;

/// Pipelines that are joined by `&&` and `||`.
#[derive(Clone, Debug)]
pub(crate) struct AndOr {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Operator, Pipeline)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operator {
    And,
    Or,
}

#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) is_negated: bool,
    pub(crate) commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) kind: Kind,
    pub(crate) redirects: Vec<Redirect>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Arithmetic(Word),
    ArithmeticFor {
        start: Option<Word>,
        condition: Option<Word>,
        step: Option<Word>,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    For {
        name: String,
        /// `None` stands for the positional parameters.
        items: Option<Vec<Word>>,
        body: List,
    },
    Function {
        name: String,
        body: std::rc::Rc<Command>,
    },
    Group(List),
    If {
        branches: Vec<(List, List)>,
        otherwise: List,
    },
    Loop {
        until: bool,
        condition: List,
        body: List,
    },
    Simple {
        assignments: Vec<(String, Value)>,
        words: Vec<Word>,
    },
    Subshell(List),
    Test(Test),
}

/// What is assigned to a variable.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// `(a b)`; with `+=`, behind what is there.
    Array {
        items: Vec<Word>,
        appends: bool,
    },
    Text(Word),
}

/// What stands in `[[ ]]`.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    And(Box<Test>, Box<Test>),
    Binary(Comparison, Word, Word),
    IsEmpty(Word),
    IsSet(Word),
    /// Of a file, or anything else that the files do not tell; the text reads after "it".
    Unclear(String),
    Not(Box<Test>),
    Or(Box<Test>, Box<Test>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Comparison {
    AtLeast,
    AtMost,
    /// The right side is a pattern.
    Equal,
    Less,
    Match,
    More,
    NumberEqual,
}

/// Parts of a word, one behind the other.
pub(crate) type Word = Vec<Piece>;

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Arithmetic(Word),
    /// `$(...)`
    Command {
        list: List,
        is_quoted: bool,
    },
    /// Of an array.
    Elements {
        name: String,
        which: Elements,
    },
    Parameter {
        name: String,
        change: Change,
        is_quoted: bool,
    },
    Text {
        text: String,
        is_quoted: bool,
    },
    /// Something that the machine does not expand; the reason reads after "it".
    Unclear(String),
}

impl Piece {
    /// Returns whether it is in quotes.
    pub(crate) fn is_quoted(&self) -> bool {
        match self {
            Self::Command { is_quoted, .. }
            | Self::Parameter { is_quoted, .. }
            | Self::Text { is_quoted, .. } => *is_quoted,
            Self::Arithmetic(_) | Self::Elements { .. } | Self::Unclear(_) => true,
        }
    }
}

/// Which elements of an array.
#[derive(Clone, Debug)]
pub(crate) enum Elements {
    All,
    /// The one with this index.
    At(Word),
    /// How many there are.
    Count,
}

/// What an expansion does with a parameter.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// `:=`, `=`
    Assign {
        word: Word,
        is_for_empty: bool,
    },
    /// `:-`, `-`
    Default {
        word: Word,
        is_for_empty: bool,
    },
    /// `:?`, `?`
    Demand,
    Length,
    None,
    /// `:+`, `+`
    Other {
        word: Word,
    },
    /// `/`, `//`
    Replace {
        pattern: String,
        with: Word,
        everywhere: bool,
    },
    /// `#`, `##`
    WithoutPrefix {
        pattern: String,
        longest: bool,
    },
    /// `%`, `%%`
    WithoutSuffix {
        pattern: String,
        longest: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    pub(crate) descriptor: Option<i64>,
    pub(crate) to: Destination,
}

impl Redirect {
    /// Returns whether it changes the standard input.
    pub(crate) fn is_input(&self) -> bool {
        matches!(self.to, Destination::From(_) | Destination::Here(_))
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// Another descriptor, or none.
    Descriptor(Word),
    /// A file that is read.
    From(Word),
    /// Text that stands in the script.
    Here(Word),
    /// A file that is written.
    To(Word),
    /// A file that both streams write: `&>`.
    ToBoth(Word),
}

/// An arithmetic expression, ready to be computed.
pub(crate) fn arithmetic(text: &str) -> Option<ArithmeticExpr> {
    brush_parser::arithmetic::parse(text).ok()
}

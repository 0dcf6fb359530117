//! Understands shell scripts by running them on a virtual clock, without executing anything.
//!
//! | module | what it does |
//! | --- | --- |
//! | `parse`, `syntax` | a script's text to commands |
//! | `machine` | runs commands under a hypothesis about their checks |
//! | `hypothesis` | when each check holds |
//! | `expand`, `separators`, `array`, `arithmetic`, `pattern`, `test`, `redirect` | the parts of the language |
//! | `call`, `builtin`, `read`, `filter`, `edit`, `regex` | what a command's name means |

mod arithmetic;
mod array;
mod builtin;
mod call;
mod edit;
mod expand;
mod filter;
mod hypothesis;
mod machine;
mod parse;
mod pattern;
mod read;
mod redirect;
mod regex;
mod separators;
mod syntax;
mod test;

pub(crate) use self::{
    expand::Unset,
    hypothesis::{Fate, Hypothesis},
    machine::{End, LATE, Machine, Run, Status, Stop, refuse, run},
};

//! Understands shell scripts by running them on a virtual clock, without executing anything.
//!
//! | module | what it does |
//! | --- | --- |
//! | `parse`, `syntax` | a script's text to commands |
//! | `machine` | runs commands under a hypothesis about their checks |
//! | `hypothesis` | when each check holds |
//! | `expand`, `arithmetic`, `pattern`, `test`, `redirect` | the parts of the language |
//! | `call`, `builtin`, `filter` | what a command's name means |

mod arithmetic;
mod builtin;
mod call;
mod expand;
mod filter;
mod hypothesis;
mod machine;
mod parse;
mod pattern;
mod redirect;
mod syntax;
mod test;

pub(crate) use self::{
    expand::Unset,
    hypothesis::{Fate, Hypothesis},
    machine::{End, LATE, Machine, Run, Status, Stop, refuse, run},
};

//! The JSON documents of the store's HTTP API: what the server writes is what its clients read.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`assertion`] | [`AssertRequest`], [`Assertion`] and [`Asserted`] |
//! | [`variable`] | [`Variable`], [`VariableList`] and [`VariableTree`] |
//! | [`mod@reference`] | [`CreateRequest`] and [`Reference`], of the two calls without a version |
//! | [`wait`] | [`WaitRequest`], [`WaitAnswer`] and [`JudgedTerm`] |
//! | [`waiter`] | [`Waiter`] and [`WaiterList`] |
//! | [`identity`] | [`Identity`], who the caller is |
//! | [`event`] | [`Event`], one line of a watch |
//! | [`page`] | [`Page`], what a list of several pages is read by |
//! | [`tree`] | variables by the segments of their names |
//! | [`problem`] | [`Problem`] and [`ProblemCode`] |
//! | [`object`] | the check that a document is a JSON object |
//! | [`limits`] | how long documents may be |
//!
//! Requests refuse members that they do not know. Answers take them, so that a client can talk to
//! a later store.

pub mod assertion;
pub mod event;
pub mod identity;
pub mod limits;
pub mod object;
pub mod page;
mod pod;
pub mod problem;
pub mod reference;
pub mod tree;
pub mod variable;
pub mod wait;
pub mod waiter;

pub use self::{
    assertion::{AssertRequest, Asserted, Assertion},
    event::{Bookmark, Change, Event},
    identity::{Identity, IdentityKind},
    object::Object,
    page::Page,
    problem::{Problem, ProblemCode},
    reference::{CreateRequest, Reference},
    variable::{Branch, Variable, VariableList, VariablePage, VariableTree},
    wait::{JudgedTerm, WaitAnswer, WaitRequest},
    waiter::{Waiter, WaiterList},
};

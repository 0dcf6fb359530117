//! Understands init containers that wait, and says the same in terms of `depends-on`.
//!
//! Pure: no I/O, no clock. Objects come in as JSON, plans go out; whoever calls edits the files.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`plan`] | what happens to every init container of a set of objects, and the annotations for it |
//! | [`compose`] | `depends_on` of a compose file, for the manifests made from it |
//! | [`suggest`] | the Services that pods mention |
//! | [`leftover`] | what only the removed containers needed |
//! | `understanding` | what a container waits for, from runs under different hypotheses |
//! | `shell` | runs a script on a virtual clock, without executing anything |
//! | `program` | the programs that a script starts, and what each of them asks |
//! | `check` | one question, and the term that asks the same |
//! | `surroundings`, `environment`, `image` | what a container would run, and with what |
//! | `objects` | the other objects of the files |
//! | `text`, `duration` | texts that may be unknown, and times |

mod check;
pub mod compose;
mod duration;
mod environment;
mod image;
pub mod leftover;
mod objects;
pub mod plan;
mod program;
mod shell;
pub mod suggest;
mod surroundings;
mod text;
mod understanding;

pub use self::objects::Objects;

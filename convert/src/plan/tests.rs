//! What happens to init containers of every shape.

mod kit;
mod position;
mod programs;
mod scripts;
mod tools;

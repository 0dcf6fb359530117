//! The writer on storage that loses power, tears what was not synced, fails, runs full, or is of
//! the former format.

mod crash;
mod disk;
mod faults;
mod former;
mod full;

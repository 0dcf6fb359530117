//! The writer on storage that loses power, tears what was not synced, fails, and runs full.

mod crash;
mod disk;
mod faults;
mod full;

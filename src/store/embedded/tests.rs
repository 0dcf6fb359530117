//! The writer on storage that loses power, tears what was not synced, and runs full.

mod crash;
mod disk;
mod full;

//! The CRD, and the conversions between objects and assertions.

mod conversions;
mod crd;
mod rules;

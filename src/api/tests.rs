//! The API as its users see it; every answer that a test gets is one that `openapi.json` announces.

mod access;
mod audit;
mod bad_requests;
mod budgets;
mod classic;
mod contract;
mod kit;
mod nudges;
mod robustness;
mod schemas;
mod sockets;
mod store_failures;
mod variables;
mod waiting;
mod watching;

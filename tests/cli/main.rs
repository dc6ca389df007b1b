//! The program from outside: every test starts the real binary in a sandbox that watches for leaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and makes its files without ceremony"
)]

mod canary;
mod documents;
mod example;
mod harness;
mod harness_tests;
mod ui;

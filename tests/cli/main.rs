//! The program from outside: every test starts the real binary in a sandbox that watches for leaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a test fails by panicking, makes its files without ceremony, and says what it leaves out"
)]

mod attacks;
mod canary;
mod commands;
mod concurrent;
mod documents;
mod edit;
mod example;
mod fuzz;
mod git;
mod git_hook;
mod git_resolve;
mod harness;
mod harness_tests;
mod hostile;
mod hostile_names;
mod identity;
mod init;
mod interop;
mod io_faults;
mod keygen;
mod kill;
mod kill_merges;
mod leaks;
mod power_loss;
mod process_leaks;
mod projects;
mod promises;
mod readers;
mod refused;
mod regressions;
mod render;
mod repository;
mod run;
mod run_environment;
mod run_files;
mod shells;
mod trace;
mod two_people;
mod ui;
mod updates;
mod values;
mod world;

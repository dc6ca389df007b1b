//! The rules of the design that a compiler does not know: layers, sinks, budgets, codes, hygiene.
//!
//! `cargo test --test architecture -- --nocapture` prints the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_macros,
    reason = "a test fails by panicking, and prints its figures"
)]

mod budgets;
mod codes;
mod hygiene;
mod layers;
mod promises;
mod scan;
mod sinks;
mod tree;

/// Fails with every finding on its own line, so that one run shows all there is to mend.
fn report(title: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{title}: {} found\n  {}\n", findings.len(), findings.join("\n  "));
}

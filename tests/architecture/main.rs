//! The rules of the design that a compiler does not know: layers, sinks, budgets, codes, hygiene.
//!
//! `cargo test --test architecture -- --nocapture` prints the figures.

mod budgets;
mod codes;
mod hygiene;
mod layers;
mod scan;
mod sinks;
mod tree;

/// Fails with every finding on its own line, so that one run shows all there is to mend.
fn report(title: &str, findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{title}: {} found\n  {}\n",
        findings.len(),
        findings.join("\n  ")
    );
}

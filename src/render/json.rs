//! One JSON object (RFC 8259) of strings.

use super::Layout;
use super::quoted::quoted;

/// Two blanks of indentation, names in the order given, a final newline.
///
/// Written by hand: the library's buffers would leave copies of the values behind.
pub(super) const LAYOUT: Layout = Layout {
    empty: "{}\n",
    open: "{\n",
    between: ",\n",
    close: "\n}\n",
    item: |out, name, value| {
        out.push("  \"");
        out.push(name);
        out.push("\": ");
        quoted(out, value);
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{NASTY, between, nasty, one};
    use super::super::{Format, render};

    #[test]
    fn spellings() {
        assert_eq!(one(Format::Json, None, "a \"b\"\n"), "{\n  \"K\": \"a \\\"b\\\"\\n\"\n}\n");
        let none = render(Format::Json, None, &[]).unwrap();
        assert_eq!(none.expose(), b"{}\n");
    }

    fn check(value: &str) {
        let text = between(Format::Json, None, value).unwrap();
        let read: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = read.keys().map(String::as_str).collect();
        assert_eq!(names, ["A", "K", "Z"]);
        assert_eq!(read["K"], value);
    }

    #[test]
    fn reads_back_chosen_values() {
        for value in NASTY {
            check(value);
        }
    }

    proptest! {
        #[test]
        fn reads_back(value in nasty()) {
            check(&value);
        }

        #[test]
        fn reads_back_any_text(value in "[^\0]{0,20}") {
            check(&value);
        }
    }
}

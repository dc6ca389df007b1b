//! Tables of `.env` texts and what is read from them.

use proptest::prelude::*;

use super::{DoubtKind, Parsed, ProblemKind, Quote, parse};
use crate::source::{SourceMap, Span};

fn read(text: &str) -> Parsed {
    let mut map = SourceMap::default();
    let id = map.add_closed(".env", text);
    parse(text, id)
}

fn values(text: &str) -> Vec<(String, String)> {
    let entries = read(text).entries.into_iter();
    entries.map(|entry| (entry.name, entry.value)).collect()
}

fn cut(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap()
}

#[test]
fn values_are_those_of_npm() {
    let table = [
        ("A=1", "1"),
        ("  A = 1  ", "1"),
        ("export A=1", "1"),
        ("export\tA=1", "1"),
        ("A=", ""),
        ("A=   ", ""),
        ("A=\"\"", ""),
        ("A= # note", ""),
        ("A=one two", "one two"),
        ("A=one # two", "one"),
        ("A=one#two", "one"),
        ("A='one # two' # three", "one # two"),
        ("A=\"one # two\"# three", "one # two"),
        ("A=\"a\\nb\\tc\\r\"", "a\nb\\tc\r"),
        ("A='a\\nb'", "a\\nb"),
        ("A=a\\nb", "a\\nb"),
        ("A=`it's \"so\"`", "it's \"so\""),
        ("A=\"a\nb\r\nc\"", "a\nb\nc"),
        ("A='a\n# b\n\nc'", "a\n# b\n\nc"),
        ("A=it's", "it's"),
        ("A='it's'", "it's"),
        ("A=\"a\" \"b\"", "a\" \"b"),
        ("A=\"a\" b", "\"a\" b"),
        ("A='a\\'b'", "a\\'b"),
        ("A=\"C:\\dir\\\"", "C:\\dir\\"),
        ("A=\"{\"k\": 1}\"", "{\"k\": 1}"),
        ("A={\"k\": 1}", "{\"k\": 1}"),
        ("A: 1", "1"),
        ("A=a=b==", "a=b=="),
        ("A=$B ${C:-d}", "$B ${C:-d}"),
        ("\u{feff}A=1", "1"),
        ("A=\u{a0}1\u{a0}", "1"),
        ("A=é🦀", "é🦀"),
    ];
    for (text, value) in table {
        for ending in ["\n", "\r\n", "\r"] {
            let text = format!("{text}{ending}Z=z");
            let expected = [("A", value), ("Z", "z")].map(|(k, v)| (k.to_owned(), v.to_owned()));
            let got = values(&text);
            assert_eq!(got, expected, "{text:?}");
        }
        assert_eq!(values(text), [("A".to_owned(), value.to_owned())], "{text}");
    }
}

#[test]
fn doubts_say_what_and_where() {
    use DoubtKind as D;
    let table: &[(&str, &[(D, &str)])] = &[
        ("A=plain-1.2/x@y", &[]),
        ("A=\"two words\" # note", &[]),
        ("A=\"a\\nb\"", &[]),
        ("A=$B", &[(D::Reference, "$B")]),
        ("A='${B}'", &[(D::Reference, "${B}")]),
        ("A=x${B:-c}", &[(D::Default, "${B:-c}")]),
        ("A=$(id)", &[(D::Command, "$(id)")]),
        ("A=x`id`", &[(D::Command, "`id`")]),
        ("A='x`id`'", &[]),
        ("A=\"a\\tb\"", &[(D::Escape, "\\")]),
        ("A=a\\b", &[(D::Escape, "\\")]),
        ("A=a#b", &[(D::GluedHash, "#")]),
        ("A=#b", &[(D::GluedHash, "#")]),
        ("A=a'b", &[(D::InnerQuote, "'")]),
        ("A", &[(D::NameAlone, "A")]),
        ("export A # x", &[(D::NameAlone, "export A")]),
        ("A: b", &[(D::Colon, ":")]),
        ("A={{ b }}", &[(D::Jinja, "{{")]),
        ("{% if a %}", &[(D::Jinja, "{% if a %}")]),
        ("A=\"x\nB=y\"", &[(D::Swallowed, "B")]),
        ("A=\"-----BEGIN X-----\nMIIabcd==\n-----END X-----\"", &[]),
        ("A=1\nB=2\nA=3", &[(D::Duplicate, "A")]),
    ];
    for (text, expected) in table {
        let parsed = read(text);
        let found = parsed.doubts.iter();
        let found: Vec<_> = found.map(|one| (one.kind, cut(text, one.span))).collect();
        assert_eq!(found, *expected, "{text}");
        assert!(parsed.problems.is_empty(), "{text}");
    }
}

#[test]
fn problems_leave_the_rest_readable() {
    use ProblemKind as P;
    let table: &[(&str, P, Option<&str>, &str)] = &[
        ("a.b=1", P::InvalidName, Some("a.b"), "a.b"),
        ("1A=1", P::InvalidName, Some("1A"), "1A"),
        ("A-B='1'", P::InvalidName, Some("A-B"), "A-B"),
        ("A=\"x", P::UnclosedQuote, Some("A"), "\"x"),
        ("A='", P::UnclosedQuote, Some("A"), "'"),
        ("A='x # it's", P::UnclosedQuote, Some("A"), "'x"),
        ("A=a\0b", P::ControlCharacter, Some("A"), "a\0b"),
        ("A=\"\x1b[0m\"", P::ControlCharacter, Some("A"), "\"\x1b[0m\""),
        ("what is this", P::NotAnAssignment, None, "what is this"),
        ("=x", P::NotAnAssignment, None, "=x"),
        ("A:x", P::NotAnAssignment, None, "A:x"),
        ("A=-----BEGIN K-----\nMIIB=\n-----END K-----", P::UnquotedPem, Some("A"), "-----BEGIN K-----"),
    ];
    for (line, kind, name, place) in table {
        let text = format!("Y=y\n{line}\nZ=z\n");
        let parsed = read(&text);
        let found: Vec<_> = parsed.problems.iter().collect();
        assert_eq!(found.len(), 1, "{line}");
        assert_eq!((found[0].kind, found[0].name.as_deref()), (*kind, *name));
        assert_eq!(cut(&text, found[0].span), *place);
        let names: Vec<_> = parsed.entries.iter().map(|one| &one.name).collect();
        assert_eq!(names, ["Y", "Z"], "{line}");
    }
}

#[test]
fn an_unreadable_duplicate_leaves_no_stale_value() {
    assert_eq!(values("A=old\nA='new\n"), []);
}

#[test]
fn the_last_duplicate_wins_and_both_places_are_told() {
    let text = "A=1\nB=2\nexport A='3'\n";
    let parsed = read(text);
    assert_eq!(values(text), [("B", "2"), ("A", "3")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let doubt = &parsed.doubts[0];
    assert_eq!((doubt.span.start, doubt.other.unwrap().start), (15, 0));
    let entry = &parsed.entries[1];
    assert!(entry.exported);
    assert_eq!(entry.quote, Quote::Single);
    assert_eq!(cut(text, entry.value_span), "'3'");
}

#[test]
fn comments_become_descriptions() {
    let table = [
        ("# one\n# two\nA=1 # three", Some("one two three")),
        ("# one\n\nA=1", None),
        ("#######\n## Mail ##\nA=1", Some("Mail")),
        ("# one\n#A=old\nA=1", Some("one")),
        ("# export A=old\nA=1", None),
        ("# one\nB=0\nA=1", None),
        ("A='1' # why", Some("why")),
        // What follows the hash may be the rest of the value.
        ("A=pa#ss word", None),
        ("A=pa #ss", None),
    ];
    for (text, comment) in table {
        let entry = read(text).entries.pop().unwrap();
        assert_eq!(entry.comment.as_deref(), comment, "{text}");
    }
}

#[test]
fn nothing_shows_a_value() {
    let text = "A=hunter2$B\\x\nA='hunter2\nB=hunter2\nC: hunter2#hunter2\nD=\"hunter2\nD.x=hunter2\nhunter2 hunter2";
    let shown = format!("{:?}", read(text));
    assert!(!shown.contains("hunter2"), "{shown}");
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC*|[A-B=:#'\"`$\\\\\\n\\r \\-.{}()]{0,60}") {
        let parsed = read(&text);
        for entry in &parsed.entries {
            prop_assert_eq!(cut(&text, entry.name_span), entry.name.as_str());
            prop_assert!(text.is_char_boundary(entry.value_span.start) && text.is_char_boundary(entry.value_span.end));
        }
        for doubt in &parsed.doubts {
            prop_assert!(text.get(doubt.span.start..doubt.span.end).is_some());
        }
    }

    /// What has one reading has the same one elsewhere.
    #[test]
    fn unambiguous_forms_agree_with_dotenvy(
        bare in "[A-Za-z0-9_@%+:,./-]{0,20}",
        single in "[A-Za-z0-9 #\"=,;{}éß\n-]{0,20}",
        double in "[A-Za-z0-9 #'=,;{}éß\n-]{0,20}",
        inline in "[a-z ]{0,8}",
    ) {
        let text = format!("# first\nA={bare}\nexport B='{single}' # {inline}\n\nC=\"{double}\"\nD={bare} # {inline}\n");
        let theirs: Vec<_> = dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(values(&text), theirs);
        prop_assert!(read(&text).problems.is_empty());
    }
}

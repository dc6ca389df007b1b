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
    let table: &[(&str, P, &str, &str)] = &[
        ("a.b=1", P::InvalidName, "a variable cannot have this name", "a.b"),
        ("1A=1", P::InvalidName, "a variable cannot have this name", "1A"),
        ("A-B='1'", P::InvalidName, "a variable cannot have this name", "A-B"),
        ("A=\"x", P::UnclosedQuote, "the quote of `A` is not closed", "\"x"),
        ("A='", P::UnclosedQuote, "the quote of `A` is not closed", "'"),
        ("A='x # it's", P::UnclosedQuote, "the quote of `A` is not closed", "'x"),
        ("A=a\0b", P::ControlCharacter, "`A` holds NUL", "a\0b"),
        ("A=\"\x1b[0m\"", P::ControlCharacter, "`A` holds NUL", "\"\x1b[0m\""),
        ("what is this", P::NotAnAssignment, "this line is no assignment", "what is this"),
        ("=x", P::NotAnAssignment, "this line is no assignment", "=x"),
        ("A:x", P::NotAnAssignment, "this line is no assignment", "A:x"),
        ("A=-----BEGIN K-----\nMIIB=\n-----END K-----", P::UnquotedPem, "`A`: a PEM block", "-----BEGIN K-----"),
    ];
    for (line, kind, message, place) in table {
        let text = format!("Y=y\n{line}\nZ=z\n");
        let parsed = read(&text);
        let found: Vec<_> = parsed.problems.iter().collect();
        assert_eq!(found.len(), 1, "{line}");
        assert_eq!(found[0].kind, *kind);
        assert!(found[0].message.starts_with(message), "{}", found[0].message);
        assert_eq!(cut(&text, found[0].span), *place);
        let names: Vec<_> = parsed.entries.iter().map(|one| &one.name).collect();
        assert_eq!(names, ["Y", "Z"], "{line}");
    }
}

#[test]
fn doubts_name_the_variable_and_what_helps() {
    let single = Some("write the value in single quotes");
    let double = Some("write the value in double quotes");
    let table: &[(&str, &str, Option<&str>)] = &[
        ("PRICE=5$EUR", "`PRICE`: a `$` is kept as text; shells and some readers insert another variable", single),
        ("A='$B'", "`A`: a `$` is kept as text; a few readers insert another variable even in single quotes", None),
        ("A=x$B'", "`A`: a `$` is kept as text; shells and some readers insert another variable", None),
        ("A=$(id)", "`A`: `$(…)` is kept as text; shells and some readers run it", single),
        ("A=x`id`", "`A`: backticks are kept as text; a shell runs what stands between them", single),
        ("A=it's", "`A`: a quote inside of the value is kept; some readers take it away or refuse the line", double),
        ("A=a\"b", "`A`: a quote inside of the value is kept; some readers take it away or refuse the line", single),
        ("A: b", "`A`: `:` is read like `=`; most readers want `=`", Some("write `=` instead of `:`")),
        ("{{ A }}", "this line is skipped: it looks like one of a template that was not filled in", None),
        (
            "A=\nA=",
            "`A` is assigned twice; the last one counts, for some readers the first",
            Some("delete one of them"),
        ),
    ];
    for (text, message, help) in table {
        let doubt = read(text).doubts.remove(0);
        assert_eq!((doubt.message.as_str(), doubt.help), (*message, *help), "{text}");
    }
    // What helps does: the same value, and no doubt.
    for (before, after) in [("A=C:\\x", "A='C:\\x'"), ("A=it's", "A=\"it's\""), ("A=a\"b", "A='a\"b'")] {
        assert_eq!(values(before), values(after));
        assert!(read(after).doubts.is_empty(), "{after}");
    }
}

#[test]
fn what_may_be_a_piece_of_a_value_is_not_named() {
    let long = "x".repeat(65);
    for text in ["aGVsbG8gd29ybGQ".to_owned(), format!("{long}='"), format!("{long}=$B"), "aGVs.bG8=x".to_owned()] {
        let parsed = read(&text);
        let problems = parsed.problems.iter().map(|one| &one.message);
        for message in problems.chain(parsed.doubts.iter().map(|one| &one.message)) {
            assert!(!message.contains(&long) && !message.contains("aGVs"), "{message}");
        }
        assert_eq!(parsed.problems.len() + parsed.doubts.len(), 1, "{text}");
    }
}

#[test]
fn a_reference_knows_its_name() {
    for (text, name) in [("A=x$B", Some("B")), ("A=\"${B_1}y\"", Some("B_1")), ("A=${B:-c}", None), ("A=$(B)", None)] {
        assert_eq!(read(text).doubts[0].reference(text), name, "{text}");
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

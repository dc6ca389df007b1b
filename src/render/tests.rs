//! Tests of what all formats have in common.

use super::testing::{NASTY, between, item, one, refusal, secret};
use super::{Dialect, Format, render};

/// Every format with each of its dialects.
fn all() -> Vec<(Format, Option<Dialect>)> {
    let mut all = Vec::new();
    for format in Format::ALL {
        all.push((format, None));
        all.extend(format.dialects().iter().map(|it| (format, Some(*it))));
    }
    all
}

#[test]
fn names_read_back() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
    for dialect in Dialect::ALL {
        assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
        assert_eq!(dialect.option(), format!("--dialect {}", dialect.name()));
    }
    assert_eq!(Format::from_name("JSON"), None);
    assert_eq!(Dialect::from_name(""), None);
}

#[test]
fn every_dialect_on_offer_exists() {
    for (format, dialect) in all() {
        assert!(format.layout(dialect).is_some(), "{format:?} {dialect:?}");
    }
}

#[test]
fn no_format_carries_nul_or_bytes_that_are_no_text() {
    for (format, dialect) in all() {
        for (value, why) in
            [(&b"a\0b"[..], "it holds a NUL"), (b"a\xffb", "it is not UTF-8"), (b"\xff\0", "it holds a NUL")]
        {
            let refused = refusal(format, dialect, value);
            assert_eq!((refused.name.as_str(), refused.why), ("K", why));
            assert!(refused.instead.is_empty());
        }
    }
}

#[test]
fn all_refusals_are_told() {
    let values = [secret("$a"), secret("fine"), secret("b\nc")];
    let items: Vec<_> = ["A", "B", "C"].iter().zip(&values).map(|(name, value)| item(name, value)).collect();
    let refused = render(Format::Dotenv, None, &items).unwrap_err();
    let names: Vec<_> = refused.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["A", "C"]);
}

#[test]
fn a_dialect_of_another_format_is_refused() {
    let refused = refusal(Format::Json, Some(Dialect::Posix), b"x");
    assert_eq!(refused.why, "the format does not have this dialect");
    let refused = refusal(Format::Dotenv, Some(Dialect::Fish), b"x");
    assert_eq!(refused.instead.first(), Some(&"--dialect portable"), "{refused:?}");
}

#[test]
fn names_that_could_be_code_are_refused() {
    let value = secret("x");
    let long = "A".repeat(256);
    for name in ["", "1A", "A B", "A;B", "A=B", "A\n", "Ä", "A-B", &long] {
        for (format, dialect) in all() {
            assert!(render(format, dialect, &[item(name, &value)]).is_err());
        }
    }
}

/// What `instead` says is true, for every nasty value.
#[test]
fn instead_names_only_what_works() {
    for (format, dialect) in all() {
        for value in NASTY {
            if between(format, dialect, value).is_some() {
                continue;
            }
            for option in refusal(format, dialect, value.as_bytes()).instead {
                let text = match option.split_once(' ').unwrap() {
                    ("--dialect", name) => one(format, Dialect::from_name(name), value),
                    (_, name) => one(Format::from_name(name).unwrap(), None, value),
                };
                assert!(!text.is_empty());
            }
        }
    }
}

#[test]
fn same_input_same_bytes_in_order() {
    for (format, dialect) in all() {
        let first = between(format, dialect, "x y").unwrap();
        assert_eq!(Some(&first), between(format, dialect, "x y").as_ref());
        assert!(first.ends_with('\n') && !first.contains('\r'));
        let place = |name: &str| first.find(name).unwrap();
        assert!(place("A") < place("K") && place("K") < place("Z"));
    }
}

#[test]
fn refusals_hold_no_value() {
    let refused = refusal(Format::Dotenv, None, b"hunter2\n");
    assert!(!format!("{refused:?}").contains("hunter2"));
}

//! Composition as a property: a plan gives each variable the value that expanding by hand gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Completeness, Supply, plan};
use crate::config::Config;
use crate::diagnostic::Diagnostics;
use crate::environment::EnvironmentFile;
use crate::model::Model;
use crate::schema::{SchemaFile, views};
use crate::source::SourceMap;

/// A piece of a value: text, or an earlier variable, perhaps percent-encoded.
#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Insert(prop::sample::Index, bool),
}

fn piece() -> impl Strategy<Value = Piece> {
    let text = prop_oneof!["[a-z $/@%é🦀\"\\\\]{0,6}", Just(String::from("$${")), Just(String::from("$$"))];
    prop_oneof![
        text.prop_map(Piece::Text),
        (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(index, uri)| Piece::Insert(index, uri)),
    ]
}

/// The value as it is written in the file, and as it has to come out; `$${` in a text is a literal `${`.
fn written(pieces: &[Piece], before: &[String]) -> (String, String) {
    let (mut source, mut value) = (String::new(), String::new());
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                // A `$` at the end would join with the next piece.
                let text = format!("{text}.");
                source.push_str(&text);
                value.push_str(&text.replace("$${", "${"));
            }
            Piece::Insert(..) if before.is_empty() => {}
            Piece::Insert(index, uri) => {
                let at = index.index(before.len());
                write!(source, "${{V{at}{}}}", if *uri { ":uri" } else { "" }).unwrap();
                let inserted = &before[at];
                if *uri {
                    let mut encoded = Vec::new();
                    crate::template::encode_uri(inserted.as_bytes(), &mut encoded);
                    value.push_str(&String::from_utf8(encoded).unwrap());
                } else {
                    value.push_str(inserted);
                }
            }
        }
    }
    (source, value)
}

fn model(values: &[String]) -> (Model, Diagnostics) {
    let (mut sources, mut problems) = (SourceMap::default(), Diagnostics::default());
    let mut schema = String::new();
    let mut environment = String::from("[values]\n");
    // The order of the lines must not matter.
    for (index, value) in values.iter().enumerate().rev() {
        writeln!(schema, "[variables.V{index}]\nmin_length = 0").unwrap();
        writeln!(environment, "V{index} = {}", toml::Value::from(value.as_str())).unwrap();
    }
    let config = "[project]\nname = \"p\"\nid = \"8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e5f\"\n";
    let source = sources.add_open("envctl.toml", config);
    let config = Config::read(config, source, &mut problems).unwrap();
    let source = sources.add_open("schemas/app.toml", schema.as_str());
    let schema = SchemaFile::read("app", &schema, source, &mut problems).unwrap();
    let schemas = BTreeMap::from([(String::from("app"), schema)]);
    let views = views(&schemas, &mut problems);
    let source = sources.add_masked("environments/dev.toml", environment.as_str());
    let environment = EnvironmentFile::read("dev", false, &environment, source, &mut problems).unwrap();
    let environments = BTreeMap::from([(String::from("dev"), environment)]);
    let names = BTreeSet::from([String::from("dev")]);
    (Model::new(config, schemas, views, environments, BTreeMap::new(), names), problems)
}

proptest! {
    #[test]
    fn composition_equals_expansion_by_hand(all in prop::collection::vec(prop::collection::vec(piece(), 0..5), 1..7)) {
        let mut values = Vec::new();
        let mut sources = Vec::new();
        for pieces in &all {
            let (source, value) = written(pieces, &values);
            prop_assume!(value.len() < 10_000);
            sources.push(source);
            values.push(value);
        }
        let (model, mut problems) = model(&sources);
        let view = model.views.get("app").unwrap();
        let plan = plan(&model, "dev", view, &BTreeMap::new(), Completeness::Required, &mut problems).unwrap();
        prop_assert!(problems.is_empty(), "{:?}", problems);
        for (index, value) in values.iter().enumerate() {
            let planned = plan.variables.get(&format!("V{index}")).unwrap();
            prop_assert!(matches!(&planned.supply, Supply::Clear(clear) if clear == value), "V{}: {:?}", index, planned.supply);
        }
    }

    #[test]
    fn a_value_made_from_itself_is_a_circle_whatever_the_way(length in 1_usize..8) {
        let values: Vec<String> = (0..length).map(|index| format!("x${{V{}}}", (index + 1) % length)).collect();
        let (model, mut problems) = model(&values);
        let view = model.views.get("app").unwrap();
        plan(&model, "dev", view, &BTreeMap::new(), Completeness::Required, &mut problems).unwrap();
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code.slug()).collect();
        prop_assert_eq!(codes, ["template-circle"]);
    }
}

//! Making a value from others once these are known.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::diagnostic::Diagnostic;
use crate::plan::{Planned, needs_escapes, unencoded};
use crate::secret::Secret;
use crate::template::{Modifier, Part, Template, encode_uri};
use crate::validate::{MAX_VALUE, too_large};

/// What came of making a value.
pub enum Composed {
    /// The value.
    Value(Secret),
    /// A part that has no value.
    Lacks(String),
    /// Parts that cannot stand where they are put.
    Refused(Vec<Diagnostic>),
}

/// Puts the parts of `template` together for `planned`.
pub fn compose(planned: &Planned, template: &Template, values: &BTreeMap<String, Secret>) -> Composed {
    let mut room = 0;
    let mut refused = Vec::new();
    for (part, encode) in template.parts.iter().zip(template.needs_encoding()) {
        match part {
            Part::Text(text) => room += text.len(),
            Part::Insert { name, modifier } => {
                let Some(value) = values.get(name) else {
                    return Composed::Lacks(name.clone());
                };
                if encode && *modifier == Modifier::Plain && needs_escapes(&planned.variable, value.expose()) {
                    refused.push(unencoded(&planned.variable, name, planned.span));
                }
                room += value.size() * 3;
            }
        }
    }
    if room > 3 * MAX_VALUE {
        refused.push(too_large(&planned.variable, planned.span));
    }
    if !refused.is_empty() {
        return Composed::Refused(refused);
    }
    // All the room is taken at once: a vector that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    for part in &template.parts {
        match part {
            Part::Text(text) => bytes.extend_from_slice(text.as_bytes()),
            Part::Insert { name, modifier } => {
                let value = values.get(name).map_or(&[][..], Secret::expose);
                match modifier {
                    Modifier::Plain => bytes.extend_from_slice(value),
                    Modifier::Uri => encode_uri(value, &mut bytes),
                }
            }
        }
    }
    Composed::Value(Secret::new(std::mem::take(&mut *bytes)))
}

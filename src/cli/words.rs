//! `ENV NAME` on the command line, where ENV may be left out; what else stands there is never repeated.

use crate::context::{Context, Exit};
use crate::diagnostic::{Code, Diagnostic};

/// The environment, if one is named, and the variable.
pub(super) fn two<'w>(words: &'w [String], context: &Context) -> Result<(Option<&'w str>, &'w str), Exit> {
    let looks_like_assignment = words.iter().any(|word| word.contains('='));
    match words {
        _ if looks_like_assignment => {}
        [name] => return Ok((None, name)),
        [environment, name] => return Ok((Some(environment), name)),
        _ => {}
    }
    let problem = Diagnostic::error(Code::Usage, "a value is never an argument");
    let why = "every user of this machine can see a command line, and the shell writes it to its history";
    Err(context
        .fail(problem.note(why).help("leave the value out: it is asked for, or comes from --stdin or --file FILE")))
}

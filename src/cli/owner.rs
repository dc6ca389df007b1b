//! Who a new project belongs to: the identity of the person at hand, made if there is none.

use std::path::Path;

use super::keygen;
use crate::context::Context;
use crate::name;
use crate::scaffold::Owner;

/// The person who makes a project, as its first recipient; nothing where no identity can be had, which is then said.
pub(super) fn owner(context: &Context, given: Option<&str>) -> Option<Owner> {
    let name = given.map_or_else(|| login_name(context), str::to_owned);
    let known = context.identities(None).own().into_iter().next();
    let recipient = match known {
        Some(own) => {
            context.remark(&format!("your identity: {}\n", own.source));
            own.recipient
        }
        None => {
            let Some((recipient, path)) = keygen::default_identity(context) else {
                context.remark("nobody can read secrets yet: `envctl recipients add NAME RECIPIENT ENV`\n");
                return None;
            };
            context.remark(&format!(
                "made your identity: {}\nkeep a copy of it in a safe place: what is sealed for it alone is lost with it\n",
                path.display()
            ));
            recipient
        }
    };
    Some(Owner { name, recipient })
}

/// The name by which the system knows the user, as far as it can be a recipient's.
fn login_name(context: &Context) -> String {
    let login = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| context.environment.text(name));
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    let word: String = login.unwrap_or("").to_ascii_lowercase().chars().map(plain).take(64).collect();
    let word = word.trim_start_matches(['-', '_']);
    if name::is_word(word) { word.to_owned() } else { String::from("me") }
}

/// Sets git up for a new project, if there is a repository.
pub(super) fn git(context: &Context, root: &Path) {
    if !root.ancestors().any(|directory| directory.join(".git").exists()) {
        context.remark("no git repository yet: after `git init`, `envctl git install`\n");
        return;
    }
    if super::git::install_at(context, root).is_err() {
        context.remark("git could not be set up: `envctl git install` does it later\n");
    }
}

//! One value against one variable: every rule it breaks, none of them quoting the value.

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::kind::{Kind, url_scheme};
use crate::placeholder::is_placeholder;
use crate::schema::{Bound, Variable};
use crate::source::Span;

/// A rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of problem.
    pub code: Code,
    /// Whether it stops the command.
    pub severity: Severity,
    /// What is wrong, after the variable's name: "must be of type `port`".
    pub must: String,
    /// Whether it is an item of a list that is wrong.
    pub item: bool,
    /// What the value is instead, for the label: "not an integer between 1 and 65535".
    pub label: String,
    /// The rule's place in the schema.
    pub rule: Span,
}

impl Finding {
    /// The diagnostic for a value that stands at `span`.
    pub fn at(self, variable: &Variable, span: Span) -> Diagnostic {
        let subject = match self.code {
            _ if !self.item => "",
            Code::ForbiddenValue => "an item of ",
            _ => "each item of ",
        };
        let message = format!("{subject}`{}` {}", variable.name, self.must);
        let diagnostic = match self.severity {
            Severity::Error => Diagnostic::error(self.code, message),
            Severity::Warning => Diagnostic::warning(self.code, message),
        };
        let diagnostic = diagnostic.at(span, self.label);
        let diagnostic = if self.rule == span { diagnostic } else { diagnostic.at(self.rule, "declared here") };
        match (self.code, &variable.example) {
            (Code::PlaceholderValue, _) => diagnostic.help(format!("`envctl explain {}`", self.code.slug())),
            (_, Some(example)) if !variable.is_secret() => diagnostic.help(format!("for example: {example}")),
            _ => diagnostic,
        }
    }
}

/// What is known of where the value is used.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Whether the environment is protected.
    pub protected: bool,
    /// Whether the value is a secret.
    pub sensitive: bool,
}

/// Every rule of `variable` that `value` breaks.
pub fn findings(variable: &Variable, value: &str, place: Place) -> Vec<Finding> {
    let mut found = Check { variable, found: Vec::new(), item: false };
    found.whole(value, place);
    found.found
}

struct Check<'v> {
    variable: &'v Variable,
    found: Vec<Finding>,
    /// Whether items of a list are being looked at.
    item: bool,
}

impl Check<'_> {
    fn add(&mut self, code: Code, must: impl Into<String>, label: impl Into<String>, rule: Span) {
        let (must, label, item) = (must.into(), label.into(), self.item);
        self.found.push(Finding { code, severity: Severity::Error, must, item, label, rule });
    }

    fn whole(&mut self, value: &str, place: Place) {
        let limits = &self.variable.limits;
        self.length(value);
        if value.is_empty() {
            // Nothing has no type, but it can be too few items, or forbidden.
            if self.variable.kind.value == Kind::List {
                self.items(&[]);
            } else {
                self.forbidden(value, place.protected);
            }
            return;
        }
        if self.variable.kind.value == Kind::List {
            let items: Vec<&str> = value.split(limits.separator()).collect();
            self.items(&items);
            self.item = true;
            for item in items {
                self.one(item, limits.item_kind(), place.protected);
            }
            self.item = false;
        } else {
            self.one(value, self.variable.kind.value, place.protected);
        }
        let default = self
            .variable
            .default
            .as_ref()
            .filter(|default| place.protected && place.sensitive && default.value == value);
        if let Some(default) = default {
            let must = "has the default that is meant for development";
            self.add(Code::ForbiddenValue, must, "everybody who reads the schema knows it", default.span);
        }
        let url_password = has_placeholder_password(value);
        if place.sensitive && (is_placeholder(value) || url_password) {
            let severity = if place.protected { Severity::Error } else { Severity::Warning };
            let (must, label) = (String::from("is still a stand-in"), String::from("anybody can guess it"));
            self.found.push(Finding {
                code: Code::PlaceholderValue,
                severity,
                must,
                item: false,
                label,
                rule: self.variable.span,
            });
        }
        self.found.dedup();
    }

    /// Lengths are counted in characters, as in JSON Schema.
    fn length(&mut self, value: &str) {
        let limits = &self.variable.limits;
        let least = limits.min_length.as_ref().map_or(1, |least| least.value);
        // Counting is only needed where the number of bytes does not decide.
        let length = value.chars().count();
        if value.is_empty() && least > 0 {
            let rule = limits.min_length.as_ref().map_or(self.variable.span, |least| least.span);
            self.add(Code::ValueLength, "is empty", "empty; `min_length = 0` allows that", rule);
        } else if let Some(rule) = limits.min_length.as_ref().filter(|_| length < least) {
            self.add(Code::ValueLength, counted("must have at least", least, "character"), "too short", rule.span);
        }
        if let Some(most) = limits.max_length.as_ref().filter(|most| length > most.value) {
            self.add(Code::ValueLength, counted("must have at most", most.value, "character"), "too long", most.span);
        }
    }

    fn items(&mut self, items: &[&str]) {
        let limits = &self.variable.limits;
        if let Some(least) = limits.min_items.as_ref().filter(|least| items.len() < least.value) {
            self.add(Code::ListItems, counted("must have at least", least.value, "item"), "too few items", least.span);
        }
        if let Some(most) = limits.max_items.as_ref().filter(|most| items.len() > most.value) {
            self.add(Code::ListItems, counted("must have at most", most.value, "item"), "too many items", most.span);
        }
        if let Some(unique) = limits.unique_items.as_ref().filter(|unique| unique.value) {
            let mut sorted = items.to_vec();
            sorted.sort_unstable();
            if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
                self.add(Code::ListItems, "must not repeat an item", "an item stands in it twice", unique.span);
            }
        }
    }

    /// A value, or an item of a list.
    fn one(&mut self, value: &str, kind: Kind, protected: bool) {
        let limits = &self.variable.limits;
        let allowed = limits.allow.as_ref().is_some_and(|allow| allow.value.iter().any(|literal| literal == value));
        if !allowed {
            self.typed(value, kind);
        }
        self.forbidden(value, protected);
    }

    /// The values that the schema forbids.
    fn forbidden(&mut self, value: &str, protected: bool) {
        let limits = &self.variable.limits;
        let in_list = |list: &Option<crate::document::Located<Vec<String>>>| {
            list.as_ref().filter(|list| list.value.iter().any(|literal| literal == value)).map(|list| list.span)
        };
        if let Some(rule) = in_list(&limits.forbid) {
            self.add(Code::ForbiddenValue, "has a value that is forbidden", self.label("forbidden"), rule);
        }
        if let Some(rule) = in_list(&limits.forbid_protected) {
            let severity = if protected { Severity::Error } else { Severity::Warning };
            let must = String::from("has a value that is refused in protected environments");
            let (label, item) = (String::from("not for production"), self.item);
            self.found.push(Finding { code: Code::ForbiddenValue, severity, must, item, label, rule });
        }
    }

    fn typed(&mut self, value: &str, kind: Kind) {
        let limits = &self.variable.limits;
        if value.contains('\0') {
            let must = "holds a NUL byte, which no environment variable can carry";
            let label = self.label("text with a NUL byte");
            self.add(Code::InvalidValueBytes, must, label, self.variable.kind.span);
            return;
        }
        if !kind.accepts(value) {
            let rule = limits.items.as_ref().map_or(self.variable.kind.span, |items| items.span);
            let must = format!("must be of type `{}`", kind.name());
            self.add(Code::TypeMismatch, must, self.label(&format!("not {}", kind.expects())), rule);
            return;
        }
        if let Some(choices) =
            limits.choices.as_ref().filter(|choices| !choices.value.iter().any(|choice| choice == value))
        {
            let allowed = limits.allow.iter().flat_map(|allow| &allow.value);
            let all: Vec<&str> = choices.value.iter().chain(allowed).map(String::as_str).collect();
            let wanted = if self.variable.is_secret() {
                String::from("must be one of those that `enum` lists")
            } else {
                format!("must be one of {}", all.join(", "))
            };
            self.add(Code::ValueNotInEnum, wanted, self.label("none of these"), choices.span);
        }
        if let Some(pattern) = &limits.pattern {
            match pattern.finds(value) {
                Some(true) => {}
                Some(false) => {
                    let label = self.label("does not match");
                    self.add(Code::PatternMismatch, "must match its pattern", label, pattern.text.span);
                }
                None => self.add(
                    Code::InvalidPattern,
                    "has a pattern that is too large",
                    "cannot be checked",
                    pattern.text.span,
                ),
            }
        }
        if let (Some(schemes), Some(scheme)) = (&limits.schemes, url_scheme(value).filter(|_| kind == Kind::Url))
            && !schemes.value.iter().any(|known| known.eq_ignore_ascii_case(scheme))
        {
            let wanted = format!("must be a URL with the scheme {}", schemes.value.join(" or "));
            self.add(Code::UrlScheme, wanted, self.label("another scheme"), schemes.span);
        }
        self.bounds(value, kind);
    }

    fn bounds(&mut self, value: &str, kind: Kind) {
        let limits = &self.variable.limits;
        let beyond = |bound: &Option<Bound>, wrong: std::cmp::Ordering| {
            let bound = bound.as_ref()?;
            let measure = kind.measure(value)?;
            (measure.partial_cmp(&bound.measure) == Some(wrong)).then(|| (bound.text.value.clone(), bound.text.span))
        };
        if let Some((least, rule)) = beyond(&limits.minimum, std::cmp::Ordering::Less) {
            self.add(Code::ValueOutOfRange, format!("must be at least {least}"), self.label("too small"), rule);
        }
        if let Some((most, rule)) = beyond(&limits.maximum, std::cmp::Ordering::Greater) {
            self.add(Code::ValueOutOfRange, format!("must be at most {most}"), self.label("too large"), rule);
        }
    }

    /// The label, said of an item where one is looked at.
    fn label(&self, text: &str) -> String {
        match text {
            _ if !self.item => text.to_owned(),
            "does not match" => String::from("an item does not match"),
            _ => format!("an item is {text}"),
        }
    }
}

/// `must have at least 1 item`, `2 items`.
fn counted(must: &str, count: usize, word: &str) -> String {
    format!("{must} {count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Whether a URL carries a stand-in as its password: `postgresql://user:pass@host`.
fn has_placeholder_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let userinfo = authority.rsplit_once('@').map_or("", |(userinfo, _)| userinfo);
    let password = userinfo.split_once(':').map(|(_, password)| password);
    password.is_some_and(|password| is_placeholder(password) || userinfo.eq_ignore_ascii_case("user:pass"))
}

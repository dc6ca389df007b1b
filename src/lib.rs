//! envctl: typed environments for programs.

pub mod config;
pub mod diagnostic;
pub mod document;
pub mod environment;
pub mod generate;
pub mod kind;
pub mod lint;
pub mod model;
pub mod name;
pub mod placeholder;
pub mod plan;
pub mod recipe;
pub mod reference;
pub mod schema;
pub mod secret;
pub mod source;
pub mod template;
pub mod validate;

//! envctl: typed environments for programs.

pub mod backend;
pub mod config;
pub mod diagnostic;
pub mod document;
pub mod environment;
pub mod generate;
pub mod inject;
pub mod kind;
pub mod lint;
pub mod model;
pub mod name;
pub mod placeholder;
pub mod plan;
pub mod process;
pub mod project;
pub mod recipe;
pub mod reference;
pub mod resolve;
pub mod schema;
pub mod secret;
pub mod source;
pub mod store;
pub mod template;
pub mod validate;

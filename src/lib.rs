//! envctl: typed environments for programs.

pub mod diagnostic;
pub mod dotenv;
pub mod kind;
pub mod name;
pub mod recipe;
pub mod secret;
pub mod source;

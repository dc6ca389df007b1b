//! envctl: typed environments for programs.

pub mod diagnostic;
pub mod dotenv;
pub mod generate;
pub mod infer;
pub mod kind;
pub mod name;
pub mod placeholder;
pub mod recipe;
pub mod scaffold;
pub mod secret;
pub mod source;

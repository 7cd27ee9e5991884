//! The admin API and the console, over the administrators' service.
//!
//! Both are actix-web services that take an [`Administration`] as their data. [`documents`] are what
//! the admin API answers; the command line prints the same.

mod administration;
pub mod api;
pub mod console;
pub mod documents;
mod pattern;

pub use self::administration::{Administration, routes};
pub use scim_http::error::describe_error;

//! The admin API and the console, over the administrators' service.
//!
//! Both are actix-web services that take an [`Administration`] as their data. [`documents`] are what
//! the admin API answers; the command line prints the same.

mod administration;
pub mod api;
pub mod console;
pub mod documents;
pub mod measures;
mod mending;
mod positions;
pub mod serving;

use actix_web::web;

pub use self::administration::Administration;
pub use self::mending::configuration_page;
pub use scim_http::error::describe_error;

/// The routes of admin API and console, which need an [`Administration`].
pub fn routes(app: &mut web::ServiceConfig) {
    app.configure(api::routes)
        .configure(console::endpoint::routes);
}

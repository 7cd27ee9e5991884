//! The harness of the end-to-end tests: the real server, its command line, and an HTTPS client.
//!
//! The server is the binary named by `SERVICEOPS_SCIM_BIN`, else the newest one that cargo built.
//! Tests run on SQLite, and on PostgreSQL where `SERVICEOPS_SCIM_TEST_POSTGRES` names a server
//! (`postgres://postgres@127.0.0.1:PORT`); `tests/run` starts one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod client;
mod receiver;
mod server;
pub mod traffic;

pub use client::{Client, Response, trusting};
pub use engines::{Engine, Suite};
pub use receiver::{Received, Receiver};
pub use server::{Configuration, Place, Server, binary, example};

/// Schema URIs that tests name often.
pub mod uri {
    /// The core schema of a User.
    pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    /// The core schema of a Group.
    pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
    /// The enterprise extension.
    pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    /// A PATCH request.
    pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    /// A bulk request.
    pub const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    /// A search request.
    pub const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
}

#[doc(hidden)]
pub use engines;

/// Stamps every test out for both engines: `fn name(server: &Server) { .. }` becomes
/// `sqlite::name` and `postgres::name`, each with a server of its own. A test that stops its
/// server takes `&mut Server`.
#[macro_export]
macro_rules! on_both_engines {
    ($($tests:tt)*) => {
        $crate::engines::on_both_engines! {
            |engine: &$crate::Engine| $crate::Server::start(engine.clone()); $($tests)*
        }
    };
}

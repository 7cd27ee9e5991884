//! The tests that look into this crate. Those of PostgreSQL are *ignored* where there is none, which
//! Rust's own harness cannot say of a test when it runs.

use std::process::ExitCode;

use engines::Suite;

use crate::connection::Connection;
use crate::file::File;
use crate::target::Target;
use crate::upgrade;

pub(crate) fn run() -> ExitCode {
    let mut suite = Suite::new();
    crate::admin::tests::add_to(&mut suite);
    crate::faults::add_to(&mut suite);
    crate::file::tests::add_to(&mut suite);
    crate::kept::tests::add_to(&mut suite);
    crate::key::tests::add_to(&mut suite);
    crate::query::walk::tests::add_to(&mut suite);
    crate::schema::tests::add_to(&mut suite);
    #[cfg(feature = "postgres")]
    crate::target::tests::add_to(&mut suite);
    suite.run()
}

/// A connection to an empty database of this version.
pub(crate) fn in_memory() -> Connection {
    let target = Target::Sqlite(File::of(":memory:"));
    let mut connection = target.connect().unwrap();
    let made = upgrade::attempt(&mut connection);
    assert!(matches!(made, Ok(upgrade::Attempt::Done(_))));
    connection
}

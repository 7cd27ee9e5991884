//! The tests that look into this crate. Those of PostgreSQL are *ignored* where there is none, which
//! Rust's own harness cannot say of a test when it runs.

use std::process::ExitCode;

use engines::Suite;

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

//! Tests that are stamped out for each database engine.
//!
//! A test `name` runs as `sqlite::name` and as `postgres::name`. Without a PostgreSQL server for
//! tests, which `SERVICEOPS_SCIM_TEST_POSTGRES` names, the latter is *ignored*: it did not run, and
//! nobody reads that it passed. The file that has the tests stands in its manifest with
//! `harness = false`.

mod proxy;

pub use proxy::{Proxy, Relay};

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A database engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, in a file of its own.
    Sqlite,
    /// PostgreSQL, on the server of this URL, without a database.
    Postgres(String),
}

impl Engine {
    /// The PostgreSQL server for tests, where there is one.
    pub fn postgres() -> Option<Self> {
        let server = std::env::var("SERVICEOPS_SCIM_TEST_POSTGRES").ok()?;
        (!server.is_empty()).then_some(Self::Postgres(server))
    }

    /// The engines that there are for tests.
    pub fn all() -> Vec<Self> {
        [Some(Self::Sqlite), Self::postgres()]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The tests of a file.
#[derive(Debug, Default)]
pub struct Suite {
    trials: Vec<Trial>,
    in_turn: bool,
}

impl Suite {
    /// No tests.
    pub fn new() -> Self {
        Self::default()
    }

    /// A test that runs on both engines, each time on what is started for it.
    pub fn on_both(&mut self, name: &str, test: impl Fn(&Engine) + Copy + Send + 'static) {
        let sqlite = move || {
            test(&Engine::Sqlite);
            Ok(())
        };
        self.trials
            .push(Trial::test(format!("sqlite::{name}"), sqlite));
        self.on_postgres(name, test);
    }

    /// A test of what PostgreSQL alone does.
    pub fn on_postgres(&mut self, name: &str, test: impl Fn(&Engine) + Send + 'static) {
        let postgres = move || match Engine::postgres() {
            Some(engine) => {
                test(&engine);
                Ok(())
            }
            None => Err(Failed::from("SERVICEOPS_SCIM_TEST_POSTGRES is not set")),
        };
        let trial = Trial::test(format!("postgres::{name}"), postgres);
        let missing = Engine::postgres().is_none();
        self.trials.push(trial.with_ignored_flag(missing));
    }

    /// A test that runs once, on no engine or on one of its own.
    pub fn once(&mut self, name: &str, test: impl FnOnce() + Send + 'static) {
        let test = move || {
            test();
            Ok(())
        };
        self.trials.push(Trial::test(name, test));
    }

    /// Has the tests run one after another, because they measure the process.
    pub fn in_turn(&mut self) {
        self.in_turn = true;
    }

    /// Runs the tests that the command line asks for.
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        if self.in_turn {
            arguments.test_threads = Some(1);
        }
        libtest_mimic::run(&arguments, self.trials).exit_code()
    }
}

/// Stamps tests out for both engines, and makes the `main` that runs them: `start` makes of an
/// engine what each of them is given, anew; those after `once` run once, on engines of their own.
///
/// ```ignore
/// on_both_engines! {
///     |engine: &Engine| House::new(engine);
///     fn a_name_is_unique(house: &House) { .. }
///     once an_address_is_checked
/// }
/// ```
#[macro_export]
macro_rules! on_both_engines {
    ($start:expr; $($tests:tt)*) => {
        $crate::suite_on_both_engines! { $start; $($tests)* }

        fn main() -> std::process::ExitCode {
            let mut suite = $crate::Suite::new();
            add_to(&mut suite);
            suite.run()
        }
    };
}

/// The same for a module of a file whose `main` runs them by its function `add_to`.
#[macro_export]
macro_rules! suite_on_both_engines {
    (
        $start:expr;
        $(fn $name:ident($subject:ident: $type:ty) $body:block)*
        $(once $($alone:ident),+ $(,)?)?
    ) => {
        $(fn $name($subject: $type) $body)*

        pub(crate) fn add_to(suite: &mut $crate::Suite) {
            $(suite.on_both(stringify!($name), |engine| $name(&mut ($start)(engine)));)*
            $($(suite.once(stringify!($alone), $alone);)+)?
        }
    };
}

/// Makes the `main` of a file of tests, which it names: `on_both` with what makes of an engine what
/// each of them is given, anew; `on_postgres` the same for what PostgreSQL alone does; `once` those
/// on no engine, or on engines of their own. What begins with `in_turn` runs one after another.
///
/// ```ignore
/// engines::tests! {
///     on_both(House::new): a_name_is_unique, a_name_is_kept;
///     once: an_address_is_checked;
/// }
/// ```
#[macro_export]
macro_rules! tests {
    ($($tests:tt)*) => {
        fn main() -> std::process::ExitCode {
            let mut suite = $crate::Suite::new();
            $crate::add_tests!(suite; $($tests)*);
            suite.run()
        }
    };
}

/// Adds tests to a suite, as they are named in [`tests!`].
#[macro_export]
macro_rules! add_tests {
    ($suite:ident;) => {};
    ($suite:ident; in_turn; $($rest:tt)*) => {
        $suite.in_turn();
        $crate::add_tests!($suite; $($rest)*);
    };
    ($suite:ident; on_both($start:expr): $($name:ident),+ $(,)?; $($rest:tt)*) => {
        $($suite.on_both(stringify!($name), |engine| $name(&mut ($start)(engine)));)+
        $crate::add_tests!($suite; $($rest)*);
    };
    ($suite:ident; on_postgres($start:expr): $($name:ident),+ $(,)?; $($rest:tt)*) => {
        $($suite.on_postgres(stringify!($name), |engine| $name(&mut ($start)(engine)));)+
        $crate::add_tests!($suite; $($rest)*);
    };
    ($suite:ident; once: $($name:ident),+ $(,)?; $($rest:tt)*) => {
        $($suite.once(stringify!($name), $name);)+
        $crate::add_tests!($suite; $($rest)*);
    };
}

//! What SQLite tells and takes only by way of its handle: the extended result code of an error,
//! whether a transaction is open, and a budget for the statements of a thread.
//!
//! This is the only unsafe file of the crate. diesel does not give its handle away, so that a
//! function that SQLite calls for each new handle (`sqlite3_auto_extension`) notes it down.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use diesel::{Connection as _, ConnectionError, SqliteConnection};
use libsqlite3_sys as ffi;
use rustix::time::{ClockId, clock_gettime};

use crate::engine::Engine;

/// A connection to either engine, and of SQLite the handle that it runs on.
pub(crate) struct Link {
    engine: Engine,
    /// The handle of `engine`, which stays open as long as that lives.
    handle: Option<Handle>,
}

/// The handle of a connection. Only [`Link`] and what its connection owns have one, so that none
/// outlives the connection.
#[derive(Clone, Copy)]
struct Handle(NonNull<ffi::sqlite3>);

// SAFETY: SQLite lets a handle be used by one thread after another, as diesel needs it for its own
// connections, which are Send for the same reason. A handle is used only together with its
// connection, which is not Sync, so that it is never used by two threads at once.
unsafe impl Send for Handle {}

impl Handle {
    /// The extended result code of the last call.
    fn code(self) -> i32 {
        // SAFETY: the connection of the handle is open, see `Handle`.
        unsafe { ffi::sqlite3_extended_errcode(self.0.as_ptr()) }
    }

    fn in_transaction(self) -> bool {
        // SAFETY: the connection of the handle is open, see `Handle`.
        unsafe { ffi::sqlite3_get_autocommit(self.0.as_ptr()) == 0 }
    }
}

impl Link {
    /// Opens a file, which is made when it is not there.
    pub(crate) fn to_file(path: &str) -> Result<Self, ConnectionError> {
        let refused = |what: &str| ConnectionError::BadConnection(what.to_owned());
        if !*INSTALLED.get_or_init(install) {
            return Err(refused("SQLite takes no hook for new connections"));
        }
        OPENED.set(None);
        let connection = SqliteConnection::establish(path)?;
        let handle = OPENED
            .take()
            .ok_or_else(|| refused("SQLite did not tell the handle of a connection"))?;
        Ok(Self {
            engine: Engine::Sqlite(connection),
            handle: Some(Handle(handle)),
        })
    }

    /// A connection to a server.
    #[cfg(feature = "postgres")]
    pub(crate) fn to_server(connection: diesel::PgConnection) -> Self {
        Self {
            engine: Engine::Postgres(connection),
            handle: None,
        }
    }

    /// The connection. It must not be exchanged for another one.
    pub(crate) fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Whether it leads to a file.
    pub(crate) fn is_file(&self) -> bool {
        self.handle.is_some()
    }

    /// Runs statements, and answers with an error of SQLite its extended result code.
    ///
    /// diesel binds once more to a statement that failed, which makes the handle forget the code.
    /// Then the one counts that SQLite has logged for this thread meanwhile.
    pub(crate) fn run<T>(
        &mut self,
        statements: impl FnOnce(&mut Engine) -> diesel::QueryResult<T>,
    ) -> Result<T, (diesel::result::Error, Option<i32>)> {
        LOGGED.set(ffi::SQLITE_OK);
        statements(&mut self.engine).map_err(|error| {
            let code = self.handle.map(|handle| match handle.code() {
                ffi::SQLITE_OK | ffi::SQLITE_ROW | ffi::SQLITE_DONE => LOGGED.get(),
                code => code,
            });
            (error, code)
        })
    }

    /// Has what came of a checkpoint behind a commit noted for [`checkpointed`]: SQLite itself tells
    /// nobody that one failed.
    pub(crate) fn watch_checkpoints(&self) {
        if let Some(Handle(handle)) = self.handle {
            // SAFETY: the connection of the handle is open, see `Handle`; `committed` lives for good
            // and takes no argument.
            unsafe {
                ffi::sqlite3_wal_hook(handle.as_ptr(), Some(committed), std::ptr::null_mut());
            }
        }
    }

    /// Whether a transaction is open in a file. Some faults make SQLite roll it back by itself.
    pub(crate) fn in_transaction(&self) -> Option<bool> {
        self.handle.map(Handle::in_transaction)
    }
}

/// How much the statements of a thread may do from now on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    work: Option<Duration>,
    until: Option<Instant>,
}

impl Budget {
    /// At most so much work of the processor, and so much time in all.
    pub(crate) fn of(work: Option<Duration>, time: Duration) -> Self {
        Self {
            work: work.map(|work| worked().saturating_add(work)),
            until: Instant::now().checked_add(time),
        }
    }

    fn spent(self) -> bool {
        self.work.is_some_and(|end| worked() >= end)
            || self.until.is_some_and(|end| Instant::now() >= end)
    }
}

/// Holds the statements of this thread to a budget until it is dropped.
pub(crate) struct Held {
    before: Option<Budget>,
}

impl Held {
    /// Takes the place of the budget that is in force, which comes back afterwards.
    pub(crate) fn to(budget: Budget) -> Self {
        Self {
            before: BUDGET.replace(Some(budget)),
        }
    }

    /// The same, unless a budget is in force already.
    pub(crate) fn at_least_to(budget: impl FnOnce() -> Budget) -> Option<Self> {
        BUDGET.get().is_none().then(|| Self::to(budget()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        BUDGET.set(self.before);
    }
}

/// The result code of the checkpoint that a commit of this thread ran last, where one did since
/// this was last asked for.
pub(crate) fn checkpointed() -> Option<i32> {
    CHECKPOINTED.take()
}

thread_local! {
    static CHECKPOINTED: Cell<Option<c_int>> = const { Cell::new(None) };
    /// The extended result code of the error that SQLite logged last on this thread.
    static LOGGED: Cell<c_int> = const { Cell::new(ffi::SQLITE_OK) };
    /// The handle that was opened last on this thread.
    static OPENED: Cell<Option<NonNull<ffi::sqlite3>>> = const { Cell::new(None) };
    static BUDGET: Cell<Option<Budget>> = const { Cell::new(None) };
}

/// Whether SQLite calls [`opened`] for each new handle.
static INSTALLED: OnceLock<bool> = OnceLock::new();

fn install() -> bool {
    // SAFETY: SQLITE_CONFIG_MEMSTATUS takes an int. Once SQLite works it is refused, and each
    // allocation goes on to be counted under one lock for all threads.
    unsafe {
        let off: c_int = 0;
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, off);
    }
    // SAFETY: SQLITE_CONFIG_MULTITHREAD takes nothing. No handle needs a lock of its own then, which
    // would be taken for every column that is read: two threads never use one at once (see `Handle`).
    unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_MULTITHREAD);
    }
    type EntryPoint = unsafe extern "C" fn(
        *mut ffi::sqlite3,
        *mut *mut c_char,
        *const ffi::sqlite3_api_routines,
    ) -> c_int;
    let entry: EntryPoint = opened;
    // SAFETY: `sqlite3_auto_extension` takes any function and calls it with the three arguments of
    // an entry point, as its documentation says; `opened` is such a function and lives for good.
    let installed = unsafe { ffi::sqlite3_auto_extension(Some(entry)) };
    type Log = unsafe extern "C" fn(*mut c_void, c_int, *const c_char);
    let log: Log = logged;
    // SAFETY: SQLITE_CONFIG_LOG takes a function of this signature and an argument for it, and may
    // be set at any time (before version 3.42 it is refused once SQLite works, and some codes
    // stay unknown); `logged` lives for good and takes no argument.
    unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOG, log, std::ptr::null_mut::<c_void>());
    }
    installed == ffi::SQLITE_OK
}

/// SQLite tells its errors to this, each on the thread on which it happens.
unsafe extern "C" fn logged(_argument: *mut c_void, code: c_int, _message: *const c_char) {
    if !matches!(code & 0xff, ffi::SQLITE_NOTICE | ffi::SQLITE_WARNING) {
        // A thread that ends asks nothing any more.
        let _ending = LOGGED.try_with(|logged| logged.set(code));
    }
}

/// Notes a new handle down and gives it the budget of the thread that uses it. How a statement is
/// carried out must not depend on what is bound to it: it would be prepared anew each time that a
/// limit, or a value beside a partial index, is bound.
unsafe extern "C" fn opened(
    handle: *mut ffi::sqlite3,
    _message: *mut *mut c_char,
    _routines: *const ffi::sqlite3_api_routines,
) -> c_int {
    // A thread that ends opens nothing that is used further.
    let _ending = OPENED.try_with(|opened| opened.set(NonNull::new(handle)));
    // SAFETY: SQLite calls this with the handle that it is opening; `over_budget` lives for good
    // and takes no argument. SQLITE_DBCONFIG_ENABLE_QPSG takes an int, and a pointer or null.
    unsafe {
        let (on, told): (c_int, *mut c_int) = (1, std::ptr::null_mut());
        ffi::sqlite3_db_config(handle, ffi::SQLITE_DBCONFIG_ENABLE_QPSG, on, told);
        ffi::sqlite3_progress_handler(handle, STEPS, Some(over_budget), std::ptr::null_mut());
    }
    ffi::SQLITE_OK
}

/// SQLite calls this after each commit, with how many pages there are in the write-ahead log. It does
/// what SQLite does where nobody is called, and notes what came of it.
unsafe extern "C" fn committed(
    _argument: *mut c_void,
    handle: *mut ffi::sqlite3,
    name: *const c_char,
    pages: c_int,
) -> c_int {
    if pages >= CHECKPOINT_AFTER {
        let none: *mut c_int = std::ptr::null_mut();
        let passive = ffi::SQLITE_CHECKPOINT_PASSIVE;
        // SAFETY: SQLite calls this with a handle that is open and the name of its database. Both
        // numbers may be null.
        let code = unsafe { ffi::sqlite3_wal_checkpoint_v2(handle, name, passive, none, none) };
        let _ending = CHECKPOINTED.try_with(|noted| noted.set(Some(code)));
    }
    // What is committed is committed.
    ffi::SQLITE_OK
}

/// SQLite asks this every [`STEPS`] steps of a statement; anything but 0 interrupts it.
unsafe extern "C" fn over_budget(_argument: *mut c_void) -> c_int {
    let spent = BUDGET.try_with(|budget| budget.get().is_some_and(Budget::spent));
    c_int::from(spent.unwrap_or(false))
}

/// How long the processor has worked for this thread.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Some tens of microseconds of an ordinary statement.
const STEPS: c_int = 1_000;
/// How many pages of the write-ahead log a checkpoint brings into the database, as SQLite has it.
const CHECKPOINT_AFTER: c_int = 1_000;

//! The database: it opens, runs transactions, and closes.

mod opening;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use r2d2::Pool;
use scim_admin::StoreLoad;
use scim_provisioning::directory::{PendingLink, Work};
use scim_provisioning::model::{ModelSource, ModelVersion};
use scim_provisioning::run::{CycleRequests, OpenCycle, RequestCounts};
use scim_provisioning::{
    ConfigurationId, Directory, DirectoryView, Environment, Event, Rollback, RunId, StoreError,
};

use crate::admin::mappings;
use crate::connection::{Connection, statements};
use crate::error::{Faulty, unavailable};
use crate::explain::{self, Explained};
use crate::health::{self, Health};
use crate::rehearsal::Copies;
use crate::schema::provisioning_configurations;
use crate::sql::Dialect;
use crate::target::Target;
use crate::view::{Room, UNHURRIED, View};
use crate::writer::Writer;
use crate::{links, log, runs, spans, users};

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://...`.
    pub url: String,
    /// The base URL of SCIM, from which the locations of resources are built.
    pub base_url: String,
    /// How many connections are kept at most, beside the writer of SQLite.
    pub connections: u32,
}

/// A database on either engine. It implements the directory and the administrators' store.
pub struct Database {
    pub(crate) pool: Pool<Target>,
    writer: Option<Writer>,
    pub(crate) base_url: String,
    health: Arc<Health>,
    /// The connection that is asked whether the database answers, when all others are in use.
    aside: Mutex<Option<Connection>>,
    pub(crate) target: Target,
    /// Copies of it in which configurations rehearse.
    pub(crate) copies: Copies,
    /// How often a connection was found lost. Those that did not prove since that they work are
    /// asked before they are used again: where one was lost, a server was restarted.
    suspicions: AtomicU64,
    pub(crate) environment: Arc<dyn Environment>,
}

impl Database {
    /// Whether the database answers, and takes writes if it did not take the last one.
    pub(crate) fn usable(&self) -> Result<(), StoreError> {
        self.in_place()?;
        if self.health.fault().is_some() {
            self.writing(health::probe)?;
        }
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut kept) = aside.take()
            && answers(&mut kept).is_ok()
        {
            *aside = Some(kept);
            return Ok(());
        }
        let mut fresh = self.target.connect().map_err(unavailable)?;
        answers(&mut fresh)?;
        *aside = Some(fresh);
        Ok(())
    }

    /// What is under way.
    pub(crate) fn under_way(&self) -> StoreLoad {
        let pool = self.pool.state();
        let queued = self.writer.as_ref().map_or(0, Writer::queued);
        StoreLoad {
            connections: pool.connections,
            connections_used: pool.connections.saturating_sub(pool.idle_connections),
            connections_most: self.pool.max_size(),
            writes_waiting: u32::try_from(queued).unwrap_or(u32::MAX),
            takes_writes: self.health.fault().is_none(),
        }
    }

    /// Reads every page of SQLite's file; answers whether there is one. PostgreSQL looks after its own.
    pub(crate) fn check_file(&self) -> Result<bool, StoreError> {
        match &self.target {
            Target::Sqlite(_) => {
                health::check_pages(&mut self.target.connect().map_err(unavailable)?)
            }
            #[cfg(feature = "postgres")]
            Target::Postgres(_) => Ok(false),
        }
    }

    /// Whether the file of SQLite is the one that was opened.
    pub(crate) fn in_place(&self) -> Result<(), StoreError> {
        self.target.check_in_place()
    }

    /// How many statements this process has executed, so that a test can tell what it costs.
    pub fn statements() -> u64 {
        statements::executed()
    }

    /// How many users this process has read from their rows: whoever is sent as stored is not.
    pub fn users_read() -> u64 {
        users::reads::read()
    }

    /// From now on no clock ends the transactions of bulk requests in this process, so that a test
    /// can count them.
    pub fn take_time() {
        UNHURRIED.store(true, Ordering::Relaxed);
    }

    /// Runs something, and answers every statement that this process executed meanwhile with its
    /// plan, so that a test can tell what reads more than it should.
    pub fn explaining<T>(work: impl FnOnce() -> T) -> (T, Vec<Explained>) {
        explain::explaining(work)
    }

    /// What spans call the engine.
    fn system(&self) -> &'static str {
        match &self.target {
            Target::Sqlite(_) => spans::SQLITE,
            #[cfg(feature = "postgres")]
            Target::Postgres(_) => spans::POSTGRES,
        }
    }

    /// A connection of the pool, if one is free soon.
    fn connection(&self) -> Result<r2d2::PooledConnection<Target>, StoreError> {
        // As many as the pool holds may have been lost together.
        for _ in 0..self.pool.max_size() {
            let mut connection = self.checked_out()?;
            if connection.is_trusted(self.suspicions.load(Ordering::Relaxed)) {
                return Ok(connection);
            }
        }
        self.checked_out()
    }

    fn checked_out(&self) -> Result<r2d2::PooledConnection<Target>, StoreError> {
        let waits = self.pool.state().idle_connections == 0;
        let waiting = waits.then(|| spans::waiting_for_connection().entered());
        let connection = self.pool.get();
        drop(waiting);
        let mut connection = connection.map_err(|error| {
            let state = self.pool.state();
            match state.connections == self.pool.max_size() && state.idle_connections == 0 {
                true => StoreError::Busy,
                false => unavailable(error),
            }
        })?;
        connection.go_by(&self.environment);
        Ok(connection)
    }

    /// Notes that a connection was lost, if it was.
    fn suspect(&self, connection: &Connection) -> bool {
        let lost = connection.is_broken();
        if lost {
            self.suspicions.fetch_add(1, Ordering::Relaxed);
        }
        lost
    }

    /// Runs a read on one consistent view, and once more on another connection if that is lost.
    pub(crate) fn reading<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let _span = spans::reading(self.system()).entered();
        let mut tries = 0;
        loop {
            let mut connection = self.connection()?;
            let begin = match connection.dialect() {
                Dialect::Sqlite => "BEGIN DEFERRED",
                #[cfg(feature = "postgres")]
                Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            };
            let result = in_transaction(&mut connection, begin, &mut work, &mut Commit::default());
            if result.is_err() && self.suspect(&connection) && tries < FAILURES {
                tries += 1;
                continue;
            }
            return result;
        }
    }

    /// Runs a read of one statement, which sees one state of the database by itself.
    pub(crate) fn reading_one<T, E: From<StoreError>>(
        &self,
        mut statement: impl FnMut(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.reading(|connection| connection.alone(&mut statement))
    }

    /// Whether a transaction was committed whose connection was lost meanwhile; nothing where that
    /// cannot be found out.
    fn is_committed(&self, number: &str) -> Option<bool> {
        #[derive(diesel::QueryableByName)]
        struct Status {
            #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
            status: Option<String>,
        }
        for _ in 0..ASKED {
            let status = self.reading_one(|connection| {
                let mut sql = connection.sql("SELECT pg_xact_status(CAST(");
                sql.bind(number).push(" AS xid8)) AS status");
                connection.row::<Status>(&sql)
            });
            match status.ok()??.status.as_deref() {
                Some("committed") => return Some(true),
                Some("aborted") => return Some(false),
                // The server has not noticed yet that the connection is gone.
                Some(_) => std::thread::sleep(ASKED_AFTER),
                None => return None,
            }
        }
        None
    }

    /// Runs a write in one transaction and answers after its commit. On PostgreSQL the work runs
    /// again when the database asks for it, and once more when nobody knows why it failed.
    pub(crate) fn writing<T, E>(
        &self,
        work: impl FnMut(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Faulty + Send + 'static,
    {
        match &self.writer {
            Some(writer) => writer.write(work),
            None => self.writing_itself(work),
        }
    }

    /// The same where each transaction has a connection of its own.
    fn writing_itself<T, E>(
        &self,
        work: impl FnMut(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError> + Faulty,
    {
        let span = spans::writing(self.system()).entered();
        let written = self.trying(work);
        spans::failed(&span, written.as_ref().err().and_then(Faulty::fault));
        written
    }

    fn trying<T, E>(&self, mut work: impl FnMut(&mut Connection) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError> + Faulty,
    {
        let mut collisions = 0;
        let mut failures = 0;
        loop {
            let mut commit = Commit::default();
            let result = self
                .connection()
                .map_err(E::from)
                .and_then(|mut connection| {
                    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
                    let result = in_transaction(&mut connection, begin, &mut work, &mut commit);
                    self.suspect(&connection);
                    result
                });
            let result = match (result, commit.unanswered.take()) {
                (Err(error), Some((value, number))) => match self.is_committed(&number) {
                    Some(true) => Ok(value),
                    known => {
                        commit.sent = known.is_none();
                        Err(error)
                    }
                },
                (result, _) => result,
            };
            match result.as_ref().map_err(Faulty::fault) {
                Ok(_) => self.health.note(None),
                Err(Some(fault)) => self.health.note(Some(fault)),
                // What the rules refuse says nothing of the database.
                Err(None) => {}
            }
            let tries = match result.as_ref().err().and_then(Faulty::fault) {
                Some(StoreError::Busy) => (&mut collisions, COLLISIONS),
                Some(StoreError::Unknown(_)) => (&mut failures, FAILURES),
                // Whether a commit came through that was not answered, nobody knows.
                Some(StoreError::Unavailable(_)) if !commit.sent => (&mut failures, FAILURES),
                _ => return result,
            };
            if *tries.0 >= tries.1 {
                return result;
            }
            *tries.0 += 1;
            // Those who collided must not meet again at once.
            let (_, drawn) = self.environment.uuid().as_u64_pair();
            std::thread::sleep(Duration::from_millis(1 + drawn % (5 << collisions.min(5))));
        }
    }
}

fn answers(connection: &mut Connection) -> Result<(), StoreError> {
    let nobody = provisioning_configurations::id.eq("");
    let query = provisioning_configurations::table
        .filter(nobody)
        .select(provisioning_configurations::id);
    connection.load::<String, _>(query).map(drop)
}

/// What is known of a commit.
struct Commit<T> {
    /// Whether it may have been carried out.
    sent: bool,
    /// What the work answered and the number of its transaction, where nobody answered the commit.
    unanswered: Option<(T, String)>,
}

impl<T> Default for Commit<T> {
    fn default() -> Self {
        Self {
            sent: false,
            unanswered: None,
        }
    }
}

/// Runs work in a transaction, which begins with its first statement.
fn in_transaction<T, E: From<StoreError>>(
    connection: &mut Connection,
    begin: &'static str,
    work: &mut impl FnMut(&mut Connection) -> Result<T, E>,
    commit: &mut Commit<T>,
) -> Result<T, E> {
    connection.begin_with_next(begin);
    let mut transaction = Transaction {
        connection,
        open: true,
    };
    let value = work(transaction.connection)?;
    commit.sent = true;
    match transaction.connection.commit() {
        Ok(()) => {
            transaction.open = false;
            Ok(value)
        }
        Err(error) => {
            let number = transaction.connection.transaction().map(str::to_owned);
            if matches!(error, StoreError::Unavailable(_)) {
                commit.unanswered = number.map(|number| (value, number));
            }
            Err(error.into())
        }
    }
}

/// A transaction that is rolled back unless it is committed, even by a panic: the connection goes
/// back to the pool.
struct Transaction<'a> {
    connection: &'a mut Connection,
    open: bool,
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            self.connection.roll_back();
        }
    }
}

impl Directory for Database {
    fn model(
        &self,
        configuration: ConfigurationId,
        version: ModelVersion,
    ) -> Result<ModelSource, StoreError> {
        self.reading(|connection| mappings::model(connection, configuration, version))
    }

    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<(), Rollback>,
    ) -> Result<(), Rollback> {
        let base_url = &self.base_url;
        self.reading(|connection| work(&mut View::new(connection, base_url, true)))
    }

    fn write(&self, mut work: Work) -> Result<(), Rollback> {
        let base_url = self.base_url.clone();
        self.writing(move |connection| {
            let mut view = View::new(connection, &base_url, false);
            work(&mut view)?;
            Ok(view.finish()?)
        })
    }

    fn write_in_parts(&self, mut work: Work) -> Result<(), Rollback> {
        let base_url = self.base_url.clone();
        let waiting = self.writer.as_ref().and_then(Writer::waiting);
        let work = move |connection: &mut Connection| {
            let room = Room::new(waiting.clone());
            let mut view = View::new(connection, &base_url, false).with_room(room);
            work(&mut view)?;
            Ok(view.finish()?)
        };
        match &self.writer {
            Some(writer) => writer.write_aside(work),
            None => self.writing_itself(work),
        }
    }

    fn log(&self, event: Event, pending: Vec<PendingLink>) -> Result<(), StoreError> {
        self.writing(move |connection| {
            let mut event = event.clone();
            let mut waits = false;
            for link in &pending {
                waits |= links::note(connection, event.configuration, link, event.at)?;
            }
            // Where nothing of it waits, that was decided before.
            if let Some(link) = pending.first().filter(|_| !waits) {
                event.reason = Some(link.dismissed.clone());
            }
            log::record(connection, &event)
        })
    }

    fn note_cycle(&self, requests: &CycleRequests) -> Result<Option<OpenCycle>, StoreError> {
        let requests = requests.clone();
        self.writing(move |connection| runs::note_cycle(connection, &requests).map(Some))
    }

    fn note_requests(&self, run: RunId, counted: RequestCounts) -> Result<(), StoreError> {
        self.writing(move |connection| runs::note_requests(connection, run, counted))
    }
}

/// How often is asked what became of a commit, and how long is waited between.
const ASKED: u32 = 10;
const ASKED_AFTER: Duration = Duration::from_millis(100);
/// How often a write runs again that met another one.
const COLLISIONS: u32 = 10;
/// How often a write runs again that failed for a reason that nobody knows.
const FAILURES: u32 = 1;

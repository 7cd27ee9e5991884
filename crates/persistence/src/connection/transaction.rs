//! How transactions begin and end, and their parts, and who writes in them.

use std::borrow::Cow;
use std::error::Error as _;
use std::time::Duration;

use scim_provisioning::StoreError;
use scim_provisioning::directory::Author;

use super::Connection;
use crate::sql::Dialect;

/// What of a transaction is still to be said, and who it was said writes.
#[derive(Default)]
pub(super) struct Unsaid {
    /// What begins the transaction that the next statement is to be in.
    begin: Option<Cow<'static, str>>,
    /// What the server is to be told with the next statement.
    owed: String,
    /// Who it was said writes.
    author: Option<Author>,
}

/// How a part of a transaction began.
pub(crate) struct Before {
    begin: Option<Cow<'static, str>>,
    owed: String,
    author: Option<Author>,
}

impl Connection {
    /// Has the next statement begin a transaction, so that one which needs none costs none.
    pub(crate) fn begin_with_next(&mut self, begin: &'static str) {
        self.unsaid = Unsaid {
            begin: Some(match self.search_path() {
                None => Cow::Borrowed(begin),
                Some(path) => Cow::Owned(format!("{begin}; {path}")),
            }),
            ..Unsaid::default()
        };
        self.transaction = None;
    }

    /// Says who writes until the transaction ends, for the triggers that write the feed. On
    /// PostgreSQL it goes along with the next statement.
    pub(crate) fn speak_as(&mut self, author: &Author) -> Result<(), StoreError> {
        if self.unsaid.author.as_ref() == Some(author) {
            return Ok(());
        }
        match self.dialect() {
            Dialect::Sqlite => {
                self.end_speech()?;
                let mut sql = self.sql("INSERT INTO feed_author (actor, run, request) VALUES (");
                sql.bind(&author.actor).push(", ");
                sql.bind(author.run.map(|run| run.to_string())).push(", ");
                sql.bind(author.request.clone()).push(")");
                self.execute(&sql)?;
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                let set = format!(
                    "SELECT set_config('serviceops_scim.actor', {}, true), \
                     set_config('serviceops_scim.run', {}, true), \
                     set_config('serviceops_scim.request', {}, true)",
                    quoted(&author.actor),
                    quoted(&author.run.map(|run| run.to_string()).unwrap_or_default()),
                    quoted(author.request.as_deref().unwrap_or_default()),
                );
                self.say(&set);
            }
        }
        self.unsaid.author = Some(author.clone());
        Ok(())
    }

    /// On SQLite the one who writes is a row, which is to be gone before the next one writes.
    pub(crate) fn end_speech(&mut self) -> Result<(), StoreError> {
        match self.unsaid.author.take() {
            Some(_) if self.dialect() == Dialect::Sqlite => {
                self.say_again("DELETE FROM feed_author")
            }
            _ => Ok(()),
        }
    }

    /// Notes that the row of the one who wrote was rolled back, if there was one.
    pub(crate) fn forget_speech(&mut self) {
        self.unsaid.author = None;
    }

    /// Has statements of this transaction wait for a lock so long at most. On PostgreSQL it goes along
    /// with the next statement; on SQLite nobody who writes waits for a lock.
    pub(crate) fn wait_for_locks(&mut self, at_most: Duration) {
        match self.dialect() {
            Dialect::Sqlite => {}
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                let milliseconds = at_most.as_millis();
                self.say(&format!("SET LOCAL lock_timeout = {milliseconds}"));
            }
        }
    }

    /// Has the server be told something with the next statement.
    #[cfg(feature = "postgres")]
    fn say(&mut self, text: &str) {
        match &mut self.unsaid.begin {
            Some(begin) => {
                let begin = begin.to_mut();
                begin.push_str("; ");
                begin.push_str(text);
            }
            None => {
                self.unsaid.owed.push_str(text);
                self.unsaid.owed.push_str("; ");
            }
        }
    }

    /// Says what was to be said with the next statement.
    pub(super) fn begin_waiting(&mut self) -> Result<(), StoreError> {
        if let Some(begin) = self.unsaid.begin.take() {
            self.batch(&begin)?;
        }
        match self.unsaid.owed.is_empty() {
            true => Ok(()),
            false => {
                let owed = std::mem::take(&mut self.unsaid.owed);
                self.batch(&owed)
            }
        }
    }

    /// Begins a part of the transaction, which can be undone alone. On PostgreSQL it costs no round
    /// trip: it begins with its first statement.
    pub(crate) fn begin_part(&mut self) -> Result<Before, StoreError> {
        let before = Before {
            begin: self.unsaid.begin.clone(),
            owed: self.unsaid.owed.clone(),
            author: self.unsaid.author.clone(),
        };
        match self.dialect() {
            Dialect::Sqlite => self.say_again("SAVEPOINT part")?,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => self.say("SAVEPOINT part"),
        }
        Ok(before)
    }

    /// Ends a part of the transaction, and undoes it unless it is kept.
    pub(crate) fn end_part(&mut self, before: Before, keep: bool) -> Result<(), StoreError> {
        let unsaid = self.unsaid.begin.is_some() || !self.unsaid.owed.is_empty();
        if unsaid {
            // There was no statement in it.
            self.unsaid = Unsaid {
                begin: before.begin,
                owed: before.owed,
                author: before.author,
            };
            return Ok(());
        }
        if !keep {
            self.unsaid.author = before.author;
            return self.batch("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part");
        }
        match self.dialect() {
            Dialect::Sqlite => self.say_again("RELEASE part"),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                self.say("RELEASE SAVEPOINT part");
                Ok(())
            }
        }
    }

    /// Runs a statement that answers for itself: it sees one state of the database without a
    /// transaction around it. Whoever needs another statement gets one that begins there.
    ///
    /// A schema is named by a transaction alone.
    /// Without prepared statements there is a pooler between, which may send what belongs to one
    /// statement to two sessions unless a transaction holds it together.
    pub(crate) fn alone<T, E>(
        &mut self,
        statement: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.prepares || self.search_path().is_some() {
            return statement(self);
        }
        let waiting = self.unsaid.begin.take();
        let result = statement(self);
        self.unsaid.begin = waiting;
        result
    }

    /// Commits the transaction, if one was begun.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        let unsaid = std::mem::take(&mut self.unsaid);
        match unsaid.begin {
            Some(_) => Ok(()),
            None => self.batch(&(unsaid.owed + "COMMIT")),
        }
    }

    /// Ends the transaction, if there is one that the engine has not ended by itself.
    pub(crate) fn roll_back(&mut self) {
        if std::mem::take(&mut self.unsaid).begin.is_some() {
            return;
        }
        let open = self.link.in_transaction().unwrap_or(!self.broken);
        if open && let Err(error) = self.batch("ROLLBACK") {
            tracing::warn!(%error, source = error.source(), "a transaction could not be rolled back");
            self.broken |= !self.link.is_file();
        }
    }
}

/// A text as PostgreSQL reads it between quotes, in which it cannot have a zero. With an `E` before
/// them a backslash means the same whatever `standard_conforming_strings` says.
#[cfg(feature = "postgres")]
fn quoted(text: &str) -> String {
    let text = text.replace('\0', "").replace('\\', "\\\\");
    format!("E'{}'", text.replace('\'', "''"))
}

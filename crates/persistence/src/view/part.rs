//! Work that consists of parts, such as the operations of a bulk request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scim_provisioning::directory::Part;
use scim_provisioning::{Rollback, StoreError};

use super::View;
use crate::error::{LOCK_TIMEOUT, PART_LOCK_TIMEOUT};
use crate::log;
use crate::writer::Waiting;

impl View<'_> {
    /// The same for work that consists of parts.
    pub(crate) fn with_room(self, room: Room) -> Self {
        let room = Some(room);
        Self { room, ..self }
    }

    /// Writes what was told. Without it the work leaves no trace in the log.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        if let Some(fault) = self.lost.take() {
            return Err(fault);
        }
        if self.room.as_ref().is_some_and(|room| room.parts >= 2) {
            self.connection.wait_for_locks(LOCK_TIMEOUT);
        }
        self.write_told()
    }

    pub(super) fn write_told(&mut self) -> Result<(), StoreError> {
        let mut told = std::mem::take(&mut self.kept);
        self.inside.append(told.clone());
        told.append(std::mem::take(&mut self.told));
        told.write(self.connection)
    }

    /// Runs a part of the work, and undoes it alone when it fails.
    pub(super) fn run_part(&mut self, work: &mut Part<'_>) -> Result<(), Rollback> {
        if let Some(room) = &mut self.room {
            room.note_part();
            if room.parts == 2 {
                // From here on others may wait for what is locked already.
                self.connection.wait_for_locks(PART_LOCK_TIMEOUT);
            }
        }
        let before = self.connection.begin_part()?;
        self.inside = log::Told::default();
        let done = work(self);
        // What was undone is not to be told, nor known, and what parts before it told is not written.
        let told = match done.is_ok() {
            true => std::mem::take(&mut self.told),
            false => std::mem::take(&mut self.inside),
        };
        self.kept.append(told);
        self.told = log::Told::default();
        (self.locked, self.beside) = (None, None);
        // A lock that was taken in a part is given back with it.
        self.departing &= done.is_ok();
        let Err(fault) = self.connection.end_part(before, done.is_ok()) else {
            return done;
        };
        // What made the engine roll everything back is the reason.
        let fault = match done {
            Err(Rollback::Store(reason)) => reason,
            _ => fault,
        };
        self.lost = Some(fault.clone());
        Err(fault.into())
    }

    pub(super) fn is_room_left(&self) -> bool {
        self.lost.is_none() && self.room.as_ref().is_some_and(Room::is_left)
    }
}

/// How many parts a transaction may have.
pub(crate) struct Room {
    began: Instant,
    parts: usize,
    /// Those who wait for the writer of SQLite. Nobody waits for a transaction of PostgreSQL but who
    /// writes the same rows.
    waiting: Option<Waiting>,
}

impl Room {
    pub(crate) fn new(waiting: Option<Waiting>) -> Self {
        Self {
            began: Instant::now(),
            parts: 0,
            waiting,
        }
    }

    pub(crate) fn note_part(&mut self) {
        self.parts += 1;
    }

    pub(crate) fn is_left(&self) -> bool {
        if UNHURRIED.load(Ordering::Relaxed) {
            return self.parts < PARTS;
        }
        let waited_for = self.waiting.as_ref().is_some_and(Waiting::is_anybody);
        let time = if waited_for { BRIEF } else { TIME };
        self.parts < PARTS && self.began.elapsed() < time
    }
}

/// Whether time does not end transactions, so that a test can count them.
pub(crate) static UNHURRIED: AtomicBool = AtomicBool::new(false);

/// How many parts a transaction has at most, how long it goes on, and how long when others wait.
const PARTS: usize = 100;
const TIME: Duration = Duration::from_millis(50);
const BRIEF: Duration = Duration::from_millis(5);

//! Who walks through all resources waits for whom.
//!
//! A filter or an order that no index serves has the engine look at every resource that a
//! configuration sees. Several of one configuration at once would have all processors of a database,
//! before anybody could know how dear they are; so there is one at a time of each configuration.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scim_provisioning::{ConfigurationId, StoreError};

/// The only walk of a configuration in this process, until it is dropped.
#[derive(Debug)]
pub(super) struct Walk(ConfigurationId);

impl Walk {
    /// Waits until no other one of the configuration is under way, for as long as a query may take.
    ///
    /// # Errors
    /// [`StoreError::Timeout`] when that takes longer.
    pub(super) fn begin(
        configuration: ConfigurationId,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let taken = |walking: &mut HashSet<_>| walking.contains(&configuration);
        let waited = WALKS
            .ended
            .wait_timeout_while(WALKS.under_way(), patience, taken);
        let (mut walking, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(StoreError::Timeout(Arc::new(OthersWalk)));
        }
        walking.insert(configuration);
        Ok(Self(configuration))
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        WALKS.under_way().remove(&self.0);
        WALKS.ended.notify_all();
    }
}

/// Why there was no walk in time.
#[derive(Debug, thiserror::Error)]
#[error("other queries of this configuration that no index serves take too long")]
struct OthersWalk;

/// The configurations for which somebody walks. An id is of one database alone, wherever it is.
#[derive(Debug, Default)]
struct Walks {
    under_way: Mutex<HashSet<ConfigurationId>>,
    ended: Condvar,
}

impl Walks {
    fn under_way(&self) -> MutexGuard<'_, HashSet<ConfigurationId>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

static WALKS: LazyLock<Walks> = LazyLock::new(Walks::default);

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::mpsc;
    use std::thread;

    use scim_protocol::filter::Filter;
    use scim_protocol::{ResourceDefinition, Tolerance};
    use scim_provisioning::directory::{From, Selection};
    use scim_provisioning::{ResourceKind, Scope};

    use super::*;
    use crate::connection::Connection;
    use crate::query::page;
    use crate::tests::in_memory;

    fn one_walks_at_a_time_of_each_configuration() {
        let (one, other) = (ConfigurationId::new(), ConfigurationId::new());
        let walk = Walk::begin(one, Duration::ZERO).unwrap();
        assert!(matches!(
            Walk::begin(one, Duration::ZERO),
            Err(StoreError::Timeout(_))
        ));
        let _other = Walk::begin(other, Duration::ZERO).unwrap();
        drop(walk);
        assert!(Walk::begin(one, Duration::ZERO).is_ok());
    }

    fn what_no_index_serves_waits_for_a_walk_and_what_one_serves_does_not() {
        let configuration = ConfigurationId::new();
        let mut connection = in_memory();
        let walk = Walk::begin(configuration, Duration::ZERO).unwrap();
        find(&mut connection, configuration, "userName eq \"ada\"");
        let (found, finds) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                find(&mut connection, configuration, "title co \"a\"");
                found.send(()).unwrap();
            });
            // Long enough for what would not wait: there is nobody to look at.
            assert!(finds.recv_timeout(Duration::from_millis(300)).is_err());
            drop(walk);
            finds.recv().unwrap();
        });
    }

    fn find(connection: &mut Connection, configuration: ConfigurationId, filter: &str) {
        let filter: Filter = filter.parse().unwrap();
        let bound = filter.bind(&ResourceDefinition::user(), &mut Tolerance::default());
        let selection = Selection {
            condition: Some(bound.unwrap()),
            sort: None,
            from: From::Offset(0),
            count: 10,
        };
        let scope = Scope::of(configuration);
        let found = page::find(connection, ResourceKind::User, scope, "", &selection);
        assert_eq!(found.unwrap().total, 0);
    }

    pub(crate) fn add_to(suite: &mut engines::Suite) {
        engines::add_tests! {
            suite;
            once: one_walks_at_a_time_of_each_configuration,
                what_no_index_serves_waits_for_a_walk_and_what_one_serves_does_not;
        }
    }
}

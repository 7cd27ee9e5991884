//! What carrying a resource over comes to, by what it was when the copy was made and is now.

use std::collections::BTreeSet;

use scim_provisioning::{Cause, ConfigurationId, ResourceKind};
use serde_json::{Map, Value};

use crate::run::{CurrentRow, RowChange, Undone, Way};

/// What is known of a person or a group that a rehearsal changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The version when the copy was made; `None` of one that the rehearsal created.
    pub base: Option<i64>,
    /// The version in the copy; `None` of one that is not there any more.
    pub copied: Option<i64>,
    /// The version in the directory now, and whether it is protected there.
    pub live: Option<(i64, bool)>,
    /// Whether somebody whom the rehearsal did not change has one of its names by now.
    pub taken: bool,
}

/// Why something is not as it was when the copy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Somebody changed it.
    Changed,
    /// It is not there any more.
    Gone,
    /// It is protected by now.
    Protected,
    /// Somebody else has the name.
    NameTaken,
}

impl Moved {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Changed, Self::Gone, Self::Protected, Self::NameTaken];

    /// The reason as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::Protected => "protected",
            Self::NameTaken => "nameTaken",
        }
    }

    /// The cause that the log has, of what is left out for it.
    pub fn cause(self) -> Cause {
        match self {
            Self::Changed | Self::NameTaken => Cause::UniquenessOwn,
            Self::Gone => Cause::ResourceUnknown,
            Self::Protected => Cause::ResourceProtected,
        }
    }

    /// A sentence for the administrator.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Changed => "It was changed after the rehearsal began.",
            Self::Gone => "It was rehearsed, and is not there any more.",
            Self::Protected => "It was rehearsed, and the account is protected by now.",
            Self::NameTaken => "It was rehearsed, and another one has the name by now.",
        }
    }
}

/// How a row is carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarryWay {
    /// It is left as it is.
    Leave,
    /// It becomes what it is in the copy.
    Put,
    /// What the rehearsal changed of it becomes what it is in the copy.
    Overlay,
    /// It is deleted.
    Remove,
}

/// What carrying a resource over comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrying {
    /// How.
    pub way: CarryWay,
    /// Why it does not come to what was rehearsed.
    pub moved: Option<Moved>,
}

impl Carrying {
    /// Decides.
    pub fn of(standing: Standing) -> Self {
        let as_rehearsed = |way| Self { way, moved: None };
        let left = |moved| Self {
            way: CarryWay::Leave,
            moved: Some(moved),
        };
        let Standing {
            base,
            copied,
            live,
            taken,
        } = standing;
        match (base, copied, live) {
            // What came and went was nothing.
            (None, None, _) | (Some(_), None, None) => as_rehearsed(CarryWay::Leave),
            (_, _, Some((_, true))) => left(Moved::Protected),
            (Some(_), Some(_), None) => left(Moved::Gone),
            (_, Some(_), _) if taken => left(Moved::NameTaken),
            (None, Some(_), _) => as_rehearsed(CarryWay::Put),
            (Some(base), _, Some((live, _))) => Self {
                way: match (copied, base == live) {
                    (None, _) => CarryWay::Remove,
                    (Some(_), true) => CarryWay::Put,
                    (Some(_), false) => CarryWay::Overlay,
                },
                moved: (base != live).then_some(Moved::Changed),
            },
        }
    }
}

/// The values with which a row that somebody changed meanwhile gets what a rehearsal changed of it.
pub fn overlaid(
    kind: ResourceKind,
    rehearsed: &RowChange,
    current: &CurrentRow,
    configuration: ConfigurationId,
) -> Map<String, Value> {
    let reversed = RowChange {
        before: rehearsed.after.clone(),
        after: rehearsed.before.clone(),
    };
    let configurations = BTreeSet::from([configuration]);
    match Undone::of(kind, &reversed, Some(current), &configurations, true).way {
        Way::Write(values) => values,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn carrying(base: Option<i64>, copied: Option<i64>, live: Option<i64>) -> Carrying {
        Carrying::of(Standing {
            base,
            copied,
            live: live.map(|version| (version, false)),
            taken: false,
        })
    }

    #[test]
    fn what_nobody_touched_becomes_what_was_rehearsed() {
        for (base, copied, live, way) in [
            (None, Some(2), None, CarryWay::Put),
            // Carried over before, by a step that is done again.
            (None, Some(2), Some(2), CarryWay::Put),
            (None, None, None, CarryWay::Leave),
            (Some(3), Some(5), Some(3), CarryWay::Put),
            // Who left at once has counted up as well.
            (Some(3), Some(3), Some(3), CarryWay::Put),
            (Some(3), None, Some(3), CarryWay::Remove),
            (Some(3), None, None, CarryWay::Leave),
        ] {
            let decided = carrying(base, copied, live);
            assert_eq!(
                decided,
                Carrying { way, moved: None },
                "{base:?} {copied:?}"
            );
        }
    }

    #[test]
    fn what_moved_is_told_and_what_somebody_changed_gets_what_was_rehearsed_of_it() {
        let moved = |moved, way| Carrying {
            way,
            moved: Some(moved),
        };
        let changed = carrying(Some(3), Some(5), Some(4));
        assert_eq!(changed, moved(Moved::Changed, CarryWay::Overlay));
        let deleted = carrying(Some(3), None, Some(4));
        assert_eq!(deleted, moved(Moved::Changed, CarryWay::Remove));
        let gone = carrying(Some(3), Some(5), None);
        assert_eq!(gone, moved(Moved::Gone, CarryWay::Leave));
    }

    #[test]
    fn neither_a_protected_account_nor_the_name_of_another_is_taken() {
        for copied in [Some(5), None] {
            let protected = Carrying::of(Standing {
                base: Some(3),
                copied,
                live: Some((3, true)),
                taken: false,
            });
            assert_eq!(protected.way, CarryWay::Leave);
            assert_eq!(protected.moved, Some(Moved::Protected));
        }
        for (base, live) in [(None, None), (Some(3), Some((3, false)))] {
            let taken = Carrying::of(Standing {
                base,
                copied: Some(5),
                live,
                taken: true,
            });
            assert_eq!(
                (taken.way, taken.moved),
                (CarryWay::Leave, Some(Moved::NameTaken))
            );
        }
    }

    #[test]
    fn what_others_changed_stays_where_the_rehearsal_changed_something_else() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let change = RowChange {
            before: Some(map(json!({"jobTitle": "a", "document": {"title": "a"}}))),
            after: Some(map(json!({"jobTitle": "b", "document": {"title": "b"}}))),
        };
        let now = CurrentRow {
            version: 4,
            name: "ava".to_owned(),
            protected: false,
            values: map(json!({"jobTitle": "c", "department": "d",
                "document": {"title": "a", "userName": "ava"}})),
        };
        let values = overlaid(ResourceKind::User, &change, &now, ConfigurationId::new());
        let wanted = json!({"jobTitle": "b", "document": {"title": "b", "userName": "ava"}});
        assert_eq!(Value::Object(values), wanted);
    }
}

//! What a change is about, and what it is.

/// A closed set of words, as they are stored and shown.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The one of this word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a change is about. The order is that of a snapshot: what is referred to comes first.
    Subject {
        /// A custom field.
        CustomField = "custom_field",
        /// A person.
        User = "user",
        /// A group.
        Group = "group",
        /// That somebody is in a group.
        Membership = "membership",
        /// What members of a group, or a person, get.
        Grant = "grant",
        /// Something that needs somebody. It is in no snapshot.
        Alert = "alert",
    }
}

impl Topic {
    /// What it is about.
    pub fn subject(self) -> Subject {
        match self {
            Self::UserCreated
            | Self::UserUpdated
            | Self::UserBlocked
            | Self::UserUnblocked
            | Self::UserArchived
            | Self::UserDeleted => Subject::User,
            Self::GroupCreated | Self::GroupUpdated | Self::GroupDeleted => Subject::Group,
            Self::MembershipAdded | Self::MembershipRemoved => Subject::Membership,
            Self::GrantAdded | Self::GrantRemoved => Subject::Grant,
            Self::CustomFieldCreated | Self::CustomFieldUpdated | Self::CustomFieldDeleted => {
                Subject::CustomField
            }
            Self::AlertRaised | Self::AlertResolved => Subject::Alert,
        }
    }
}

words! {
    /// What happened.
    Topic {
        /// A person is there.
        UserCreated = "user.created",
        /// Fields of a person changed, other than the status.
        UserUpdated = "user.updated",
        /// A person can no longer work.
        UserBlocked = "user.blocked",
        /// A person can work again.
        UserUnblocked = "user.unblocked",
        /// A person left; the record is kept.
        UserArchived = "user.archived",
        /// A person's record is gone, and with it memberships and grants.
        UserDeleted = "user.deleted",
        /// A group is there.
        GroupCreated = "group.created",
        /// Fields of a group changed.
        GroupUpdated = "group.updated",
        /// A group is gone, and with it memberships and grants.
        GroupDeleted = "group.deleted",
        /// Somebody came into a group.
        MembershipAdded = "membership.added",
        /// Somebody left a group.
        MembershipRemoved = "membership.removed",
        /// The members of a group, or a person, get something.
        GrantAdded = "grant.added",
        /// The members of a group, or a person, get something no more.
        GrantRemoved = "grant.removed",
        /// A custom field is there.
        CustomFieldCreated = "custom_field.created",
        /// The definition of a custom field changed.
        CustomFieldUpdated = "custom_field.updated",
        /// A custom field is gone, and its values with it.
        CustomFieldDeleted = "custom_field.deleted",
        /// Something needs somebody, or more urgently than before.
        AlertRaised = "alert.raised",
        /// It does not any more.
        AlertResolved = "alert.resolved",
    }
}

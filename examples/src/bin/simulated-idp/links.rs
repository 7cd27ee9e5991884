//! What the run knows of the service provider's side: ids, managers, members, and what it deleted.

use std::collections::BTreeSet;

/// The resources of this run at the service provider, by their number in the directory.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// The users.
    pub(crate) users: Vec<Option<UserLink>>,
    /// The groups.
    pub(crate) groups: Vec<Option<GroupLink>>,
    /// The users that this run deleted.
    pub(crate) gone_users: Vec<Gone>,
    /// The groups that this run deleted.
    pub(crate) gone_groups: Vec<Gone>,
}

/// A user at the service provider.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UserLink {
    /// The service provider's id.
    pub(crate) id: String,
    /// The id of the manager, as far as known.
    pub(crate) manager: Option<String>,
}

/// A group at the service provider.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupLink {
    /// The service provider's id.
    pub(crate) id: String,
    /// The ids of the members, as far as known.
    pub(crate) members: BTreeSet<String>,
}

/// A resource that was deleted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gone {
    /// The id that it had.
    pub(crate) id: String,
    /// The name that it had.
    pub(crate) name: String,
}

impl Links {
    /// The link of the user with this number.
    pub(crate) fn user(&self, number: usize) -> Option<&UserLink> {
        self.users.get(number)?.as_ref()
    }

    /// The link of the group with this number.
    pub(crate) fn group(&self, number: usize) -> Option<&GroupLink> {
        self.groups.get(number)?.as_ref()
    }

    /// Keeps the link of a user.
    pub(crate) fn put_user(&mut self, number: usize, link: UserLink) {
        put(&mut self.users, number, link);
    }

    /// Keeps the link of a group.
    pub(crate) fn put_group(&mut self, number: usize, link: GroupLink) {
        put(&mut self.groups, number, link);
    }

    /// Notes that a user was deleted; the service provider takes it out of its groups.
    pub(crate) fn user_is_gone(&mut self, number: usize, name: &str) {
        let Some(link) = self.users.get_mut(number).and_then(Option::take) else {
            return;
        };
        for group in self.groups.iter_mut().flatten() {
            group.members.remove(&link.id);
        }
        let name = name.to_owned();
        self.gone_users.push(Gone { id: link.id, name });
    }

    /// Notes that a group was deleted.
    pub(crate) fn group_is_gone(&mut self, number: usize, name: &str) {
        if let Some(link) = self.groups.get_mut(number).and_then(Option::take) {
            let name = name.to_owned();
            self.gone_groups.push(Gone { id: link.id, name });
        }
    }
}

fn put<T>(links: &mut Vec<Option<T>>, number: usize, link: T) {
    if links.len() <= number {
        links.resize_with(number + 1, || None);
    }
    if let Some(place) = links.get_mut(number) {
        *place = Some(link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_user_leaves_its_groups() {
        let mut links = Links::default();
        let user = |id: &str| UserLink {
            id: id.to_owned(),
            manager: None,
        };
        links.put_user(3, user("u3"));
        let members = BTreeSet::from(["u3".to_owned(), "u4".to_owned()]);
        let id = "g".to_owned();
        links.put_group(0, GroupLink { id, members });

        links.user_is_gone(3, "dora");

        assert_eq!(links.user(3), None);
        let members = links.group(0).map(|group| group.members.len());
        assert_eq!(members, Some(1));
        let gone: Vec<&str> = links
            .gone_users
            .iter()
            .map(|gone| gone.id.as_str())
            .collect();
        assert_eq!(gone, ["u3"]);
    }
}

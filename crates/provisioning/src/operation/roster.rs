//! Whom the edits of a group's members are about: found out before the transaction that writes
//! them, which one writer may run for everybody.

use std::collections::{HashMap, HashSet};

use scim_protocol::filter::{Comparand, Filter, Operator};
use scim_protocol::patch::{ListEdit, Selection};
use scim_protocol::{Error, filter::Condition};
use serde_json::Value;

use super::members::{folded_id, member_id, named, skips};
use crate::context::Context;
use crate::directory::{DirectoryView, StoreError, Visible};
use crate::failure::Failure;
use crate::id::ResourceId;

/// An edit of a group's members by their ids.
#[derive(Debug)]
pub(crate) enum MemberEdit {
    /// These join.
    Add(Vec<ResourceId>),
    /// These leave, named by the request itself.
    Remove(Vec<ResourceId>),
    /// These leave, of those who were found in the group.
    RemoveFound(Vec<ResourceId>),
    /// These leave for those.
    Swap(Vec<ResourceId>, Vec<ResourceId>),
    /// Of so many members these leave, and those join: a list took the place of another.
    Replace {
        members: usize,
        leaving: Vec<ResourceId>,
        joining: Vec<ResourceId>,
    },
}

/// The edits of a group's members, in their order.
#[derive(Debug, Default)]
pub(crate) struct MemberPlan {
    pub(crate) edits: Vec<MemberEdit>,
    /// What the request names as members and is no id of ours.
    pub(crate) unknown: Vec<String>,
    /// Whether it depends on who was in the group when it was made.
    pub(crate) looked: bool,
}

impl MemberPlan {
    /// Members who join a group that has none.
    pub(super) fn joining(context: &Context, values: &[Value]) -> Result<Self, Failure> {
        let mut plan = Self::default();
        let ids = wanted(context, values, &mut plan.unknown)?;
        plan.edits.push(MemberEdit::Add(ids));
        Ok(plan)
    }
}

/// Where the members of a group are looked at.
pub(crate) enum Place<'a> {
    /// Where nobody waits for it.
    Outside(&'a mut dyn DirectoryView),
    /// In the transaction that writes, while others wait: filters that take long are refused, to be
    /// sent again.
    Inside(&'a mut dyn DirectoryView),
}

impl Place<'_> {
    fn view(&mut self) -> &mut dyn DirectoryView {
        match self {
            Self::Outside(view) | Self::Inside(view) => *view,
        }
    }
}

/// Finds out whom edits of `members` are about; `place` is needed where [`looks`] says so.
///
/// # Errors
/// 413 beyond the work that one request may cause; `invalidValue` for a member that is no id, where
/// the policy refuses it; [`Failure::Contended`] where it would keep others waiting.
pub(super) fn plan(
    context: &Context,
    place: Option<Place<'_>>,
    group: ResourceId,
    edits: &[ListEdit],
) -> Result<MemberPlan, Failure> {
    let mut plan = MemberPlan {
        looked: looks(edits),
        ..MemberPlan::default()
    };
    let mut roster = match place.filter(|_| plan.looked) {
        Some(place) => Some(Roster::read(context, place, group, edits)?),
        None => None,
    };
    for edit in edits {
        let edit = match edit {
            ListEdit::Add(values) => {
                let ids = wanted(context, values, &mut plan.unknown)?;
                if let Some(roster) = &mut roster {
                    roster.join(context, &ids)?;
                }
                MemberEdit::Add(ids)
            }
            ListEdit::Remove(values) => {
                // A value that names nobody removes nobody.
                let ids: Vec<_> = values.iter().filter_map(member_id).collect();
                leave(&mut roster, &ids);
                MemberEdit::Remove(ids)
            }
            ListEdit::RemoveSelected(selection) => match selected_by_value(&selection.filter) {
                Some(ids) => {
                    leave(&mut roster, &ids);
                    MemberEdit::Remove(ids)
                }
                None => MemberEdit::RemoveFound(take(&mut roster, selection)),
            },
            ListEdit::ReplaceSelected(selection, value) => {
                let leaving = match selected_by_value(&selection.filter) {
                    Some(ids) => {
                        leave(&mut roster, &ids);
                        ids
                    }
                    None => take(&mut roster, selection),
                };
                let values = std::slice::from_ref(value);
                let joining = wanted(context, values, &mut plan.unknown)?;
                if let Some(roster) = &mut roster {
                    roster.join(context, &joining)?;
                }
                MemberEdit::Swap(leaving, joining)
            }
            ListEdit::Clear => replace(context, &mut roster, &[])?,
            ListEdit::Replace(values) => {
                let ids = wanted(context, values, &mut plan.unknown)?;
                replace(context, &mut roster, &ids)?
            }
        };
        plan.edits.push(edit);
    }
    Ok(plan)
}

fn leave(roster: &mut Option<Roster<'_>>, ids: &[ResourceId]) {
    if let Some(roster) = roster {
        roster.leave(ids);
    }
}

fn take(roster: &mut Option<Roster<'_>>, selection: &Selection) -> Vec<ResourceId> {
    roster
        .as_mut()
        .map_or_else(Vec::new, |roster| roster.take(selection))
}

/// The difference only: the same list again writes nothing.
fn replace(
    context: &Context,
    roster: &mut Option<Roster<'_>>,
    ids: &[ResourceId],
) -> Result<MemberEdit, Failure> {
    let Some(roster) = roster else {
        return Err(StoreError::Stale.into());
    };
    let wanted: HashSet<_> = ids.iter().copied().collect();
    let mut leaving: Vec<_> = roster.present.difference(&wanted).copied().collect();
    leaving.sort_unstable();
    let mut joining: Vec<_> = wanted.difference(&roster.present).copied().collect();
    joining.sort_unstable();
    let members = roster.present.len();
    roster.leave(&leaving);
    roster.join(context, &joining)?;
    Ok(MemberEdit::Replace {
        members,
        leaving,
        joining,
    })
}

/// Whether one of the edits is about members whom the request does not name.
pub(super) fn looks(edits: &[ListEdit]) -> bool {
    edits.iter().any(|edit| match edit {
        ListEdit::Add(_) | ListEdit::Remove(_) => false,
        ListEdit::RemoveSelected(selection) | ListEdit::ReplaceSelected(selection, _) => {
            selected_by_value(&selection.filter).is_none()
        }
        ListEdit::Clear | ListEdit::Replace(_) => true,
    })
}

/// Who is in a group while edits are carried out, and whom their filters select.
struct Roster<'a> {
    present: HashSet<ResourceId>,
    /// Those who may join by the request, as far as they can be seen.
    joiners: HashMap<ResourceId, Visible>,
    /// Each filter once, however often it is sent.
    filters: HashMap<String, Selected<'a>>,
}

/// Whom a filter selects. Somebody who has left is still there, and is left out when it is asked.
struct Selected<'a> {
    condition: &'a Condition,
    members: Vec<ResourceId>,
}

impl<'a> Roster<'a> {
    /// Reads every member of the group once, and evaluates every filter on it.
    fn read(
        context: &Context,
        mut place: Place<'_>,
        group: ResourceId,
        edits: &'a [ListEdit],
    ) -> Result<Self, Failure> {
        let mut filters = HashMap::new();
        let mut joining = Vec::new();
        for edit in edits {
            match edit {
                ListEdit::RemoveSelected(selection) | ListEdit::ReplaceSelected(selection, _)
                    if selected_by_value(&selection.filter).is_none() =>
                {
                    filters
                        .entry(selection.filter.to_string())
                        .or_insert(Selected {
                            condition: &selection.condition,
                            members: Vec::new(),
                        });
                }
                _ => {}
            }
            match edit {
                ListEdit::Add(values) | ListEdit::Replace(values) => {
                    joining.extend(values.iter().filter_map(member_id));
                }
                ListEdit::ReplaceSelected(_, value) => joining.extend(member_id(value)),
                _ => {}
            }
        }
        let mut roster = Self {
            present: HashSet::new(),
            joiners: HashMap::new(),
            filters,
        };
        let terms = roster.terms();
        let each = terms.saturating_add(READ);
        let (mut after, mut tests) = (None, 0_usize);
        loop {
            let chunk = place
                .view()
                .members_behind(context.scope(), group, after, CHUNK)?;
            let units = chunk.members.len().saturating_mul(each);
            context.budget.charge(units).map_err(Error::from)?;
            tests = tests.saturating_add(chunk.members.len().saturating_mul(terms));
            if matches!(place, Place::Inside(_)) && tests > INSIDE {
                return Err(Failure::Contended);
            }
            for member in chunk.members {
                roster.select(context, &member);
                roster.present.insert(member.id);
            }
            after = chunk.next;
            if after.is_none() {
                break;
            }
        }
        if !joining.is_empty() {
            let seen = place.view().visible(context.scope(), &joining)?;
            roster.joiners = seen.into_iter().map(|one| (one.id, one)).collect();
        }
        Ok(roster)
    }

    /// How many tests all filters make of a member.
    fn terms(&self) -> usize {
        let terms = self.filters.values().map(|one| one.condition.terms());
        terms.fold(0, usize::saturating_add)
    }

    fn select(&mut self, context: &Context, member: &Visible) {
        if self.filters.is_empty() {
            return;
        }
        let value = context.member(member.kind, member.id, &member.display);
        for filter in self.filters.values_mut() {
            if filter.condition.matches_value(&value) {
                filter.members.push(member.id);
            }
        }
    }

    /// Members of a group, of those who can be seen: what becomes of the others is decided when it
    /// is written.
    fn join(&mut self, context: &Context, ids: &[ResourceId]) -> Result<(), Failure> {
        let units = ids.len().saturating_mul(self.terms());
        context.budget.charge(units).map_err(Error::from)?;
        for id in ids {
            let seen = self.joiners.get(id).cloned();
            if let Some(member) = seen.filter(|_| self.present.insert(*id)) {
                self.select(context, &member);
            }
        }
        Ok(())
    }

    fn leave(&mut self, ids: &[ResourceId]) {
        for id in ids {
            self.present.remove(id);
        }
    }

    /// Takes out whom a filter selects: from now on it selects those alone who join later.
    fn take(&mut self, selection: &Selection) -> Vec<ResourceId> {
        let filter = self.filters.get_mut(&selection.filter.to_string());
        let mut taken = filter.map_or_else(Vec::new, |filter| std::mem::take(&mut filter.members));
        taken.retain(|id| self.present.remove(id));
        taken.sort_unstable();
        taken
    }
}

/// The ids in a filter that is nothing but `value eq` joined by `or`.
fn selected_by_value(filter: &Filter) -> Option<Vec<ResourceId>> {
    match filter {
        Filter::Or(parts) => {
            let ids: Option<Vec<_>> = parts.iter().map(selected_by_value).collect();
            Some(ids?.into_iter().flatten().collect())
        }
        Filter::Comparison {
            path,
            operator: Operator::Equal,
            value: Comparand::Text(id),
        } if path.attribute.eq_ignore_ascii_case("value") => {
            // What is no id of ours is nobody's.
            Some(folded_id(id).into_iter().collect())
        }
        _ => None,
    }
}

/// The ids that the values of `members` name; what is no id is left out where the policy says so.
fn wanted(
    context: &Context,
    values: &[Value],
    unknown: &mut Vec<String>,
) -> Result<Vec<ResourceId>, Failure> {
    if !skips(context) {
        return named(values);
    }
    let (known, others): (Vec<_>, Vec<_>) = values
        .iter()
        .cloned()
        .partition(|value| member_id(value).is_some());
    unknown.extend(others.iter().map(|value| {
        let text = value.get("value").and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }));
    named(&known)
}

/// How many members are read at once.
const CHUNK: usize = 500;
/// What reading a member costs, in the units of a request's budget.
const READ: usize = 4;
/// How many tests filters may make of members in the transaction that writes. To read who is there
/// takes no longer than to write it, and has no bound of its own.
const INSIDE: usize = 100_000;

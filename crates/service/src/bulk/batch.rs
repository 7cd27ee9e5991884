//! A bulk request as it was read, and how far it is.

use std::collections::{HashMap, VecDeque};

use scim_protocol::ResourceDefinition;
use scim_protocol::bulk::{
    BulkEntry, BulkMethod, BulkOperation, References, references, references_in_attribute,
};

use crate::policy::Session;
use crate::route::Route;

/// A bulk request as it was read. Nothing of it changes while it is carried out.
pub(super) struct Batch<S: Session> {
    pub(super) session: S,
    pub(super) operations: Vec<BulkEntry>,
    pub(super) references: References,
    /// In which order the operations are carried out.
    order: Vec<usize>,
    /// The POSTs of resources that would hold themselves, through others or at once, with their type
    /// and the attribute by which such resources hold each other.
    pub(super) nested: Vec<(usize, (S::Kind, &'static str))>,
    /// The resource types of the endpoints that paths name.
    kinds: HashMap<String, S::Kind>,
    /// How many errors end the request.
    pub(super) limit: u64,
}

impl<S: Session> Batch<S> {
    pub(super) fn new(
        session: &S,
        operations: Vec<BulkEntry>,
        limit: u64,
        kind_at: impl Fn(&str) -> Option<S::Kind>,
    ) -> Self {
        let kinds = endpoints(&operations, kind_at);
        let named = |operation: &BulkOperation| {
            Some(references(
                operation,
                definition(session, &kinds, operation),
            ))
        };
        let mut batch = Self {
            session: session.clone(),
            references: References::among(&operations, named),
            kinds,
            operations,
            order: Vec::new(),
            nested: Vec::new(),
            limit,
        };
        batch.nested = batch.nested_in_circles();
        let mut order = batch.references.order();
        for (at, _) in &batch.nested {
            order.leave_out(*at);
        }
        batch.order = order.collect();
        batch
    }

    pub(super) fn operation(&self, at: usize) -> Option<&BulkOperation> {
        self.operations.get(at)?.operation()
    }

    /// The definition of what an operation is on.
    pub(super) fn definition(&self, operation: &BulkOperation) -> Option<&ResourceDefinition> {
        definition(&self.session, &self.kinds, operation)
    }

    pub(super) fn route<'p>(&self, path: &'p str) -> Option<Route<'p, S::Kind>> {
        Route::parse(path, |endpoint| self.kinds.get(endpoint).copied())
    }

    /// How far a request is that was not begun yet.
    pub(super) fn start(&self) -> Progress {
        let count = self.operations.len();
        Progress {
            reached: 0,
            due: VecDeque::new(),
            ids: HashMap::new(),
            done: vec![false; count],
            missing: (0..count).map(|at| self.references.of(at).len()).collect(),
            incomplete: vec![false; count],
            errors: 0,
            alone: 0,
            moved: None,
        }
    }

    fn nested_in_circles(&self) -> Vec<(usize, (S::Kind, &'static str))> {
        let held = |operation: &BulkOperation| -> Option<Vec<String>> {
            let (_kind, nesting) = self.nesting(operation)?;
            let held = || references_in_attribute(operation, self.definition(operation), nesting);
            (operation.method == BulkMethod::Post).then(held)
        };
        let circular = References::among(&self.operations, held).circular();
        let nesting = |at: usize| Some((at, self.nesting(self.operation(at)?)?));
        circular.into_iter().filter_map(nesting).collect()
    }

    /// The type of what an operation creates, and by which attribute such resources hold each other.
    fn nesting(&self, operation: &BulkOperation) -> Option<(S::Kind, &'static str)> {
        let Some(Route::Collection(kind)) = self.route(&operation.path) else {
            return None;
        };
        Some((kind, self.session.nesting(kind)?))
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// An operation.
    Own(usize),
    /// An operation whose resource was created before what it refers to.
    Completion(usize),
}

impl Turn {
    /// The place of the operation.
    pub(super) fn at(self) -> usize {
        match self {
            Self::Own(at) | Self::Completion(at) => at,
        }
    }
}

/// How far a bulk request is.
#[derive(Clone)]
pub(super) struct Progress {
    /// How many of the operations were reached, in their order.
    reached: usize,
    /// The operations whose resource is to be completed next.
    due: VecDeque<usize>,
    /// The ids of the resources that were created, by `bulkId`.
    ids: HashMap<String, String>,
    /// Which operations were carried out, or refused.
    done: Vec<bool>,
    /// How many references of each operation are not known yet.
    missing: Vec<usize>,
    /// Operations whose resource still lacks references.
    pub(super) incomplete: Vec<bool>,
    pub(super) errors: u64,
    /// How many of the next turns have a piece each, because one of them made the store lose a piece
    /// of which they all were.
    pub(super) alone: usize,
    /// The operation that ended the last piece because its plan is not of what is stored.
    pub(super) moved: Option<usize>,
}

impl Progress {
    /// Whose turn it is next.
    pub(super) fn next<S: Session>(&mut self, batch: &Batch<S>) -> Option<Turn> {
        if let Some(at) = self.due.pop_front() {
            return Some(Turn::Completion(at));
        }
        if self.errors >= batch.limit {
            return None;
        }
        let at = batch.order.get(self.reached).copied()?;
        self.reached += 1;
        Some(Turn::Own(at))
    }

    /// Gives a turn back: it comes next.
    pub(super) fn give_back(&mut self, turn: Turn) {
        match turn {
            Turn::Own(_) => self.reached = self.reached.saturating_sub(1),
            Turn::Completion(at) => self.due.push_front(at),
        }
    }

    /// Whether nobody's turn comes any more.
    pub(super) fn is_over<S: Session>(&self, batch: &Batch<S>) -> bool {
        let ends = self.errors >= batch.limit || self.reached >= batch.order.len();
        self.due.is_empty() && ends
    }

    /// The next operations in their order.
    pub(super) fn following<'b, S: Session>(
        &self,
        batch: &'b Batch<S>,
        count: usize,
    ) -> impl Iterator<Item = usize> + 'b {
        batch.order.iter().skip(self.reached).take(count).copied()
    }

    pub(super) fn id(&self, name: &str) -> Option<String> {
        self.ids.get(name).cloned()
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.ids.contains_key(name)
    }

    /// Whether an operation was neither carried out nor refused.
    pub(super) fn waits(&self, at: usize) -> bool {
        self.done.get(at) == Some(&false)
    }

    /// Notes that an operation was carried out, or refused.
    pub(super) fn settle(&mut self, at: usize, failed: bool) {
        self.errors += u64::from(failed);
        if let Some(done) = self.done.get_mut(at) {
            *done = true;
        }
    }

    /// Notes that what an operation created lacks what it refers to, if it does.
    pub(super) fn note_missing(&mut self, at: usize) {
        let lacks = self.missing.get(at).is_some_and(|missing| *missing > 0);
        if let Some(incomplete) = self.incomplete.get_mut(at).filter(|_| lacks) {
            *incomplete = true;
        }
    }

    /// Notes the id of what an operation created. Resources of which the last reference is known by
    /// now are completed next.
    pub(super) fn note_created(&mut self, name: String, id: String, referring: &[usize]) {
        if self.ids.insert(name, id).is_some() {
            return;
        }
        for at in referring {
            let Some(missing) = self.missing.get_mut(*at) else {
                continue;
            };
            *missing = missing.saturating_sub(1);
            let whole = *missing == 0;
            let incomplete = self.incomplete.get_mut(*at).filter(|_| whole);
            if incomplete.is_some_and(std::mem::take) {
                self.due.push_back(*at);
            }
        }
    }
}

fn definition<'s, S: Session>(
    session: &'s S,
    kinds: &HashMap<String, S::Kind>,
    operation: &BulkOperation,
) -> Option<&'s ResourceDefinition> {
    let route = Route::parse(&operation.path, |endpoint| kinds.get(endpoint).copied());
    match route? {
        Route::Collection(kind) | Route::Resource(kind, _) => Some(session.definition(kind)),
        _ => None,
    }
}

/// The resource types of the endpoints that the paths of operations may name.
fn endpoints<K>(
    operations: &[BulkEntry],
    kind_at: impl Fn(&str) -> Option<K>,
) -> HashMap<String, K> {
    let mut kinds = HashMap::new();
    for operation in operations.iter().filter_map(BulkEntry::operation) {
        let first = operation.path.trim_matches('/').split('/').next();
        let first = first.filter(|first| !kinds.contains_key(*first));
        if let Some((first, kind)) = first.and_then(|first| Some((first, kind_at(first)?))) {
            kinds.insert(first.to_owned(), kind);
        }
    }
    kinds
}

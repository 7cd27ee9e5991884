//! In which order operations that refer to each other run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::reference::references;
use super::request::{BulkEntry, BulkMethod, BulkOperation};
use crate::schema::ResourceDefinition;

/// A reference of an operation to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The `bulkId` that is named.
    pub name: String,
    /// The place of the operation that has it; `None` where none has.
    pub to: Option<usize>,
}

/// Which operations of a request refer to which. They are looked up once, and everything that is
/// asked of them afterwards takes time in proportion to their number.
///
/// ```
/// use scim_protocol::{Limits, ResourceDefinition, Tolerance, bulk::{BulkRequest, References}};
/// use serde_json::json;
///
/// let group = |name: &str, member: &str| json!({"method": "POST", "path": "/Groups", "bulkId": name,
///     "data": {"displayName": name, "members": [{"value": format!("bulkId:{member}")}]}});
/// let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
///     "Operations": [group("a", "b"), group("b", "c"), group("c", "x")]});
/// let request = BulkRequest::read(body, &Limits::default(), &mut Tolerance::default())?;
/// let references = References::new(&request.operations, &[ResourceDefinition::group()]);
/// assert_eq!(references.of(0)[0].to, Some(1));
/// assert_eq!(references.of(2)[0].to, None);
/// assert_eq!(references.order().collect::<Vec<_>>(), [2, 1, 0]);
/// # Ok::<(), scim_protocol::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct References {
    of: Vec<Vec<Reference>>,
    to: Vec<Vec<usize>>,
    creates: Vec<bool>,
}

impl References {
    /// Looks the references of operations up, on resources of these types.
    pub fn new(operations: &[BulkEntry], definitions: &[ResourceDefinition]) -> Self {
        Self::among(operations, |operation| {
            let mut parts = operation.path.trim_matches('/').split('/');
            let endpoint = parts.next().unwrap_or_default();
            let definition = definitions.iter().find(|definition| {
                let known = &definition.resource_type().endpoint;
                known.trim_matches('/') == endpoint
            });
            Some(references(operation, definition))
        })
    }

    /// The references that `named` finds, between the operations of which it answers any.
    pub fn among(
        operations: &[BulkEntry],
        named: impl Fn(&BulkOperation) -> Option<Vec<String>>,
    ) -> Self {
        let found: Vec<Option<Vec<String>>> = operations
            .iter()
            .map(|entry| named(entry.operation()?))
            .collect();
        let places = operations.iter().zip(&found).enumerate();
        let places: HashMap<&str, usize> = places
            .filter(|(_, (_, found))| found.is_some())
            .filter_map(|(at, (entry, _))| Some((entry.operation()?.bulk_id.as_deref()?, at)))
            .collect();
        let mut to: Vec<Vec<usize>> = operations.iter().map(|_| Vec::new()).collect();
        let of = found.into_iter().enumerate().map(|(at, names)| {
            let names = names.unwrap_or_default().into_iter();
            let names = names.map(|name| {
                let there = places.get(name.as_str()).copied();
                if let Some(list) = there.and_then(|there| to.get_mut(there)) {
                    list.push(at);
                }
                Reference { name, to: there }
            });
            names.collect()
        });
        let of = of.collect();
        let creates = operations.iter().map(|entry| {
            let operation = entry.operation();
            operation.is_some_and(|operation| operation.method == BulkMethod::Post)
        });
        Self {
            of,
            to,
            creates: creates.collect(),
        }
    }

    /// What the operation at a place refers to.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::bulk::{BulkOperation, BulkRequest, References};
    /// use serde_json::json;
    ///
    /// let group = |name: &str, member: &str| BulkOperation::post("/Groups", name,
    ///     json!({"members": [{"value": format!("bulkId:{member}")}]}));
    /// let request = BulkRequest::new([group("a", "b"), group("b", "a")]);
    /// let references = References::new(&request.operations, &[ResourceDefinition::group()]);
    /// assert_eq!(references.of(0)[0].name, "b");
    /// ```
    pub fn of(&self, at: usize) -> &[Reference] {
        self.of.get(at).map_or(&[], Vec::as_slice)
    }

    /// The places of the operations that refer to the one at a place.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::bulk::{BulkOperation, BulkRequest, References};
    /// use serde_json::json;
    ///
    /// let group = |name: &str, member: &str| BulkOperation::post("/Groups", name,
    ///     json!({"members": [{"value": format!("bulkId:{member}")}]}));
    /// let request = BulkRequest::new([group("a", "b"), group("b", "a")]);
    /// let references = References::new(&request.operations, &[ResourceDefinition::group()]);
    /// assert_eq!(references.to(0), [1]);
    /// ```
    pub fn to(&self, at: usize) -> &[usize] {
        self.to.get(at).map_or(&[], Vec::as_slice)
    }

    /// The operations in an order in which each comes behind those that it refers to, and otherwise
    /// as they were written. Of a circle, a creation comes first.
    /// RFC 7644 section 3.7.1 asks that circles are tried to be resolved.
    pub fn order(&self) -> Order<'_> {
        let others = |at: usize| {
            let of = self.of(at).iter().filter_map(move |reference| reference.to);
            of.filter(move |to| *to != at)
        };
        let waits: Vec<usize> = (0..self.of.len()).map(|at| others(at).count()).collect();
        let free = waits.iter().enumerate().filter(|(_, waits)| **waits == 0);
        Order {
            free: free.map(|(at, _)| Reverse(at)).collect(),
            waits,
            taken: self.of.iter().map(|_| false).collect(),
            bound: None,
            references: self,
        }
    }

    /// The places of operations that lie on circles: that refer to themselves, through others or at
    /// once.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::bulk::{BulkOperation, BulkRequest, References};
    /// use serde_json::json;
    ///
    /// let group = |name: &str, member: &str| BulkOperation::post("/Groups", name,
    ///     json!({"members": [{"value": format!("bulkId:{member}")}]}));
    /// let request = BulkRequest::new([group("a", "b"), group("b", "a")]);
    /// let references = References::new(&request.operations, &[ResourceDefinition::group()]);
    /// assert_eq!(references.circular(), [0, 1]);
    /// ```
    pub fn circular(&self) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for component in self.components() {
            let alone = match component.as_slice() {
                [only] => !self.of(*only).iter().any(|of| of.to == Some(*only)),
                _ => false,
            };
            if !alone {
                found.extend(component);
            }
        }
        found.sort_unstable();
        found
    }

    /// The sets of operations that refer to each other, each behind those that it refers to (Tarjan's
    /// algorithm, with a stack of its own: a request must not choose how deep this one goes).
    fn components(&self) -> Vec<Vec<usize>> {
        let mut walk = Components {
            references: self,
            numbers: self.of.iter().map(|_| None).collect(),
            low: self.of.iter().map(|_| 0).collect(),
            on_stack: self.of.iter().map(|_| false).collect(),
            stack: Vec::new(),
            next: 0,
            found: Vec::new(),
        };
        for at in 0..self.of.len() {
            walk.from(at);
        }
        walk.found
    }
}

/// Operations one after another; see [`References::order`].
#[derive(Debug, Clone)]
pub struct Order<'r> {
    references: &'r References,
    /// What waits for nothing, the first as it was written on top.
    free: BinaryHeap<Reverse<usize>>,
    /// For how many others each waits.
    waits: Vec<usize>,
    taken: Vec<bool>,
    /// What lies on circles or behind them, once it is needed.
    bound: Option<std::vec::IntoIter<usize>>,
}

impl Order<'_> {
    /// Leaves an operation out; what refers to it waits no more.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::bulk::{BulkOperation, BulkRequest, References};
    /// use serde_json::json;
    ///
    /// let group = |name: &str, member: &str| BulkOperation::post("/Groups", name,
    ///     json!({"members": [{"value": format!("bulkId:{member}")}]}));
    /// let request = BulkRequest::new([group("a", "b"), group("b", "a")]);
    /// let references = References::new(&request.operations, &[ResourceDefinition::group()]);
    /// let mut order = references.order();
    /// order.leave_out(0);
    /// assert_eq!(order.collect::<Vec<_>>(), [1]);
    /// ```
    pub fn leave_out(&mut self, at: usize) {
        let Some(taken) = self.taken.get_mut(at).filter(|taken| !**taken) else {
            return;
        };
        *taken = true;
        for waiting in self.references.to(at) {
            let waits = self.waits.get_mut(*waiting).filter(|_| *waiting != at);
            let Some(waits) = waits else { continue };
            *waits = waits.saturating_sub(1);
            if *waits == 0 && self.taken.get(*waiting) == Some(&false) {
                self.free.push(Reverse(*waiting));
            }
        }
    }

    fn is_taken(&self, at: usize) -> bool {
        self.taken.get(at) != Some(&false)
    }

    /// Of the first circle that waits for no other, the first creation, else the first of all.
    fn of_circle(&mut self) -> Option<usize> {
        let references = self.references;
        let bound = self.bound.get_or_insert_with(|| {
            let sorted = references.components().into_iter().flat_map(|mut circle| {
                let creates = |at: &usize| references.creates.get(*at) == Some(&true);
                circle.sort_unstable_by_key(|at| (!creates(at), *at));
                circle
            });
            sorted.collect::<Vec<_>>().into_iter()
        });
        let taken = &self.taken;
        bound.find(|at| taken.get(*at) == Some(&false))
    }
}

impl Iterator for Order<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let at = loop {
            match self.free.pop() {
                Some(Reverse(at)) if self.is_taken(at) => {}
                Some(Reverse(at)) => break at,
                None => break self.of_circle()?,
            }
        };
        self.leave_out(at);
        Some(at)
    }
}

struct Components<'r> {
    references: &'r References,
    numbers: Vec<Option<usize>>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    found: Vec<Vec<usize>>,
}

impl Components<'_> {
    fn from(&mut self, root: usize) {
        if self.number(root).is_some() {
            return;
        }
        self.enter(root);
        // Each with the place of the reference that is followed next.
        let mut path = vec![(root, 0)];
        while let Some((at, followed)) = path.last_mut() {
            let at = *at;
            let of = self.references.of(at).get(*followed);
            *followed += 1;
            match of.map(|reference| reference.to) {
                Some(Some(to)) => match self.number(to) {
                    None => {
                        self.enter(to);
                        path.push((to, 0));
                    }
                    Some(number) if self.on_stack.get(to) == Some(&true) => self.lower(at, number),
                    Some(_) => {}
                },
                Some(None) => {}
                None => {
                    path.pop();
                    let low = self.low.get(at).copied().unwrap_or_default();
                    if let Some((before, _)) = path.last() {
                        self.lower(*before, low);
                    }
                    if Some(low) == self.number(at) {
                        self.close(at);
                    }
                }
            }
        }
    }

    fn number(&self, at: usize) -> Option<usize> {
        self.numbers.get(at).copied().flatten()
    }

    fn enter(&mut self, at: usize) {
        if let (Some(number), Some(low), Some(on_stack)) = (
            self.numbers.get_mut(at),
            self.low.get_mut(at),
            self.on_stack.get_mut(at),
        ) {
            *number = Some(self.next);
            *low = self.next;
            *on_stack = true;
            self.stack.push(at);
            self.next += 1;
        }
    }

    fn lower(&mut self, at: usize, to: usize) {
        if let Some(low) = self.low.get_mut(at) {
            *low = to.min(*low);
        }
    }

    /// Everything above a root on the stack is one set with it.
    fn close(&mut self, root: usize) {
        let mut component = Vec::new();
        while let Some(at) = self.stack.pop() {
            if let Some(on_stack) = self.on_stack.get_mut(at) {
                *on_stack = false;
            }
            component.push(at);
            if at == root {
                break;
            }
        }
        self.found.push(component);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Operations by number, each with what it refers to.
    fn references(edges: &[&[usize]]) -> References {
        let operations: Vec<BulkEntry> = edges
            .iter()
            .enumerate()
            .map(|(at, to)| {
                BulkEntry::Operation(BulkOperation {
                    method: BulkMethod::Post,
                    bulk_id: Some(at.to_string()),
                    path: "/Groups".to_owned(),
                    version: None,
                    data: Some(json!({
                        "members": to.iter().map(|to| format!("bulkId:{to}")).collect::<Vec<_>>(),
                    })),
                })
            })
            .collect();
        References::new(&operations, &[ResourceDefinition::group()])
    }

    fn order(edges: &[&[usize]]) -> Vec<usize> {
        references(edges).order().collect()
    }

    #[test]
    fn each_comes_behind_what_it_refers_to_and_else_as_written() {
        assert_eq!(order(&[&[], &[], &[]]), [0, 1, 2]);
        assert_eq!(order(&[&[2], &[], &[]]), [1, 2, 0]);
        assert_eq!(order(&[&[1], &[2], &[3], &[]]), [3, 2, 1, 0]);
        assert_eq!(order(&[&[0, 9], &[]]), [0, 1]);
    }

    #[test]
    fn a_circle_is_broken_once_and_what_it_waits_for_comes_first() {
        assert_eq!(order(&[&[1], &[0]]), [0, 1]);
        // 0 and 1 wait for each other and for the circle of 2 and 3.
        assert_eq!(order(&[&[1, 2], &[0], &[3], &[2]]), [2, 3, 0, 1]);
        // 0 waits for a circle and is none.
        assert_eq!(order(&[&[1], &[2], &[1]]), [1, 0, 2]);
    }

    #[test]
    fn what_lies_on_circles_is_found() {
        assert_eq!(
            references(&[&[1], &[2], &[0], &[0], &[4], &[]]).circular(),
            [0, 1, 2, 4]
        );
        // What lies between two circles is on none.
        assert_eq!(
            references(&[&[1], &[0, 2], &[3], &[4], &[3]]).circular(),
            [0, 1, 3, 4]
        );
    }

    #[test]
    fn every_operation_comes_once_in_chains_and_dense_circles() {
        let chain: Vec<Vec<usize>> = (1..=1_000).map(|next| vec![next]).collect();
        let dense: Vec<Vec<usize>> = (0..300).map(|_| (0..300).collect()).collect();
        for edges in [chain, dense] {
            let edges: Vec<&[usize]> = edges.iter().map(Vec::as_slice).collect();
            let mut order = order(&edges);
            order.sort_unstable();
            assert_eq!(order, (0..edges.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_left_out_is_waited_for_no_more() {
        let references = references(&[&[1], &[2], &[]]);
        let mut order = references.order();
        order.leave_out(1);
        assert_eq!(order.collect::<Vec<_>>(), [0, 2]);
    }
}

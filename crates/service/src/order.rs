//! The order of resources that are all in memory, and pages of it.

use std::cmp::Ordering;

use scim_protocol::filter::SortKey;
use scim_protocol::number;
use serde_json::{Number, Value};

use crate::select::{Keyset, Selected, Selection, Start};

/// What a resource is sorted by.
#[derive(Debug, Clone, PartialEq)]
pub enum SortValue {
    /// Text in the form in which it is searched.
    Text(String),
    /// A number.
    Number(Number),
}

impl SortValue {
    /// The value by which a resource is sorted, of the copy of it that is searched
    /// ([`search_document`](scim_protocol::filter::index::search_document)): of a multi-valued
    /// attribute the primary or first one (RFC 7644 section 3.4.2.3).
    ///
    /// ```
    /// use scim_protocol::filter::{SortKey, index::search_document};
    /// use scim_protocol::{ResourceDefinition, Tolerance};
    /// use scim_service::order::SortValue;
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let ava = json!({"userName": "Ava"});
    /// let searched = search_document(&users, ava.as_object().unwrap());
    /// let key = SortKey::new(&users, &"userName".parse()?, &mut Tolerance::default())?;
    /// assert_eq!(SortValue::find(&searched, &key), Some(SortValue::Text("ava".into())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(searched: &Value, key: &SortKey) -> Option<Self> {
        let holder = match &key.target.extension {
            Some(uri) => searched.get(&**uri)?,
            None => searched,
        };
        let value = holder.get(&*key.target.attribute)?;
        let value = match value {
            Value::Array(values) => values.first()?,
            single => single,
        };
        let value = match &key.target.sub_attribute {
            Some(name) => value.get(&**name)?,
            None => value,
        };
        Some(match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => Self::Number(number.clone()),
            Value::Bool(truth) => Self::Text(truth.to_string()),
            _ => return None,
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => number::compare(left, right),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// Where a resource stands in an order; `I` is its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<I> {
    value: Option<SortValue>,
    id: I,
}

impl<I: Ord + Clone> Standing<I> {
    /// Where a resource stands that has this value, or none.
    ///
    /// ```
    /// use scim_service::order::Standing;
    ///
    /// assert!(Standing::new(None, 7).keyset().key.is_null());
    /// ```
    pub fn new(value: Option<SortValue>, id: I) -> Self {
        Self { value, id }
    }

    fn of(keyset: &Keyset<I>, sort: Option<&SortKey>) -> Self {
        let value = keyset.key.as_str().and_then(|text| {
            Some(match sort?.numeric {
                true => SortValue::Number(serde_json::from_str(text).ok()?),
                false => SortValue::Text(text.to_owned()),
            })
        });
        Self::new(value, keyset.id.clone())
    }

    /// The position: where a page goes on that ends behind it.
    ///
    /// ```
    /// use scim_service::order::{SortValue, Standing};
    ///
    /// let ava = Standing::new(Some(SortValue::Text("ava".into())), 7);
    /// assert_eq!((ava.keyset().key, ava.keyset().id), ("ava".into(), 7));
    /// ```
    pub fn keyset(&self) -> Keyset<I> {
        let key = match &self.value {
            None => Value::Null,
            Some(SortValue::Text(text)) => text.as_str().into(),
            Some(SortValue::Number(number)) => number.to_string().into(),
        };
        let id = self.id.clone();
        Keyset { key, id }
    }

    /// RFC 7644 section 3.4.2.3: what is missing comes last ascending and first descending.
    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let by_value = match (&self.value, &other.value) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => left.compare(right),
        };
        let by_value = if descending {
            by_value.reverse()
        } else {
            by_value
        };
        by_value.then_with(|| self.id.cmp(&other.id))
    }
}

/// The page that a selection asks for of everything that satisfies its condition, each with where it
/// stands in the order.
///
/// ```
/// use scim_service::order::{Standing, page_among};
/// use scim_service::{Selection, Start};
///
/// let found = vec![(Standing::new(None, 2), "b"), (Standing::new(None, 1), "a")];
/// let first = Selection { condition: None, sort: None, from: Start::Offset(0), count: 1 };
/// let page = page_among(found, &first);
/// assert_eq!((page.total, page.items[0].1), (2, "a"));
/// assert_eq!(page.next.unwrap().id, 1);
/// ```
pub fn page_among<I: Ord + Clone, T>(
    mut found: Vec<(Standing<I>, T)>,
    selection: &Selection<I>,
) -> Selected<(Keyset<I>, T), I> {
    let descending = selection.sort.as_ref().is_some_and(|sort| sort.descending);
    found.sort_by(|(left, _), (right, _)| left.compare(right, descending));
    let total = found.len();
    let begin = match &selection.from {
        Start::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX).min(total),
        Start::After(keyset) => {
            let after = Standing::of(keyset, selection.sort.as_ref().map(|sort| &sort.key));
            found.partition_point(|(standing, _)| standing.compare(&after, descending).is_le())
        }
    };
    let page = found.into_iter().skip(begin).take(selection.count);
    let items: Vec<(Keyset<I>, T)> = page
        .map(|(standing, resource)| (standing.keyset(), resource))
        .collect();
    let more = begin + items.len() < total;
    let last = items.last().filter(|_| more);
    let next = last.map(|(keyset, _)| keyset.clone());
    Selected {
        total: u64::try_from(total).unwrap_or(u64::MAX),
        items,
        next,
    }
}

//! Lookup tables: what rules of many sets look values up in.
//!
//! A table has titled columns. The first one holds the keys, compared without regard to case; a rule
//! says which of the others it takes. Tables are read and written as CSV (RFC 4180) whose first line
//! has the titles.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use scim_protocol::text::fold;
use serde::{Deserialize, Serialize};

/// Values to look up, checked and with its keys found by hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupTable {
    name: String,
    content: TableContent,
    /// By folded key, the place of the row.
    places: HashMap<String, usize>,
}

/// Titles and rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TableContent {
    /// The titles of the columns: that of the keys, and one at least of what is looked up.
    #[cfg_attr(feature = "openapi", schema(min_items = 2, max_items = 20))]
    pub columns: Vec<String>,
    /// The rows, each with a value for every column.
    pub rows: Vec<Vec<String>>,
}

/// Why a table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The name has other characters than a name may have, or too many.
    #[error(
        "the name of a table begins with a lower-case letter and goes on with 62 lower-case \
         letters, digits, hyphens and underscores at most"
    )]
    Name,
    /// There are too few columns or too many.
    #[error(
        "a table has 2 to {most} columns, the titles in its first line; the first column is what is \
         looked up"
    )]
    Columns {
        /// How many at most.
        most: usize,
    },
    /// The title of a column is empty, too long, or that of another one.
    #[error("\"{title}\" is no title of a column, or that of another one")]
    Title {
        /// The title.
        title: String,
    },
    /// There are more rows than a table may have.
    #[error("a table has {most} rows at most")]
    TooManyRows {
        /// How many at most.
        most: usize,
    },
    /// A row has another number of values than there are columns.
    #[error("row {row} has {found} values, and there are {columns} columns")]
    Uneven {
        /// The row, from 1; titles are none.
        row: usize,
        /// How many values it has.
        found: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// A row has no key.
    #[error("row {row} has nothing in the first column")]
    NoKey {
        /// The row, from 1.
        row: usize,
    },
    /// A text is too long, or holds what cannot be stored.
    #[error("row {row} has a value of more than {most} bytes, or with a null character")]
    Text {
        /// The row, from 1.
        row: usize,
        /// Bytes at most.
        most: usize,
    },
    /// A key is there twice, compared without regard to case.
    #[error("row {row} is about \"{key}\", as row {before} is")]
    KeyTwice {
        /// The row, from 1.
        row: usize,
        /// The key.
        key: String,
        /// The row before it.
        before: usize,
    },
    /// The whole is too long.
    #[error("a table holds {most} bytes at most")]
    TooLong {
        /// Bytes at most.
        most: usize,
    },
    /// A text is no CSV.
    #[error("line {line} is no CSV in UTF-8")]
    Csv {
        /// The line, from 1.
        line: u64,
    },
}

impl TableContent {
    /// Reads CSV (RFC 4180), titles first. Commas, semicolons and tabs separate values, whichever the
    /// first line has most of; white space around them is dropped, and empty lines are.
    ///
    /// # Errors
    /// [`TableError::Csv`]; what it holds is checked by [`LookupTable::new`].
    pub fn read_csv(text: &str) -> Result<Self, TableError> {
        let text = text.trim_start_matches('\u{feff}');
        let titles = text.lines().next().unwrap_or_default();
        let separators = [b',', b';', b'\t'].into_iter();
        // Of two that are there as often, the one that stands first here.
        let separator = separators
            .rev()
            .max_by_key(|one| titles.bytes().filter(|byte| byte == one).count());
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(separator.unwrap_or(b','))
            .from_reader(text.as_bytes());
        let mut lines = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let place = error.position();
                let line = place.map_or(1, csv::Position::line);
                TableError::Csv { line }
            })?;
            if record.iter().any(|value| !value.is_empty()) {
                lines.push(record.iter().map(str::to_owned).collect());
            }
            if lines.len() > ROWS + 1 {
                return Err(TableError::TooManyRows { most: ROWS });
            }
        }
        let mut lines = lines.into_iter();
        Ok(Self {
            columns: lines.next().unwrap_or_default(),
            rows: lines.collect(),
        })
    }

    /// The table as CSV (RFC 4180) that is read back as the same.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::WriterBuilder::new()
            .flexible(true)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        for line in std::iter::once(&self.columns).chain(&self.rows) {
            // Writing to memory does not fail.
            let _ = writer.write_record(line);
        }
        String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
    }

    fn check(&self) -> Result<HashMap<String, usize>, TableError> {
        if !(2..=COLUMNS).contains(&self.columns.len()) {
            return Err(TableError::Columns { most: COLUMNS });
        }
        let mut titles = Vec::new();
        for title in &self.columns {
            let folded = fold(title);
            let fits = (1..=TITLE).contains(&title.chars().count())
                && title.trim() == title
                && !title.chars().any(char::is_control);
            if !fits || titles.contains(&folded) {
                let title = title.chars().take(TITLE).collect();
                return Err(TableError::Title { title });
            }
            titles.push(folded);
        }
        if self.rows.len() > ROWS {
            return Err(TableError::TooManyRows { most: ROWS });
        }
        let mut places = HashMap::with_capacity(self.rows.len());
        let mut bytes = 0;
        for (place, values) in self.rows.iter().enumerate() {
            let row = place + 1;
            if values.len() != self.columns.len() {
                return Err(TableError::Uneven {
                    row,
                    found: values.len(),
                    columns: self.columns.len(),
                });
            }
            if values.iter().any(|v| v.len() > TEXT || v.contains('\0')) {
                return Err(TableError::Text { row, most: TEXT });
            }
            bytes += values.iter().map(String::len).sum::<usize>();
            if bytes > BYTES {
                return Err(TableError::TooLong { most: BYTES });
            }
            let key = values.first().map(String::as_str).unwrap_or_default();
            if key.is_empty() {
                return Err(TableError::NoKey { row });
            }
            if let Some(before) = places.insert(fold(key), place) {
                return Err(TableError::KeyTwice {
                    row,
                    key: key.to_owned(),
                    before: before + 1,
                });
            }
        }
        Ok(places)
    }
}

impl LookupTable {
    /// A table of these columns and rows.
    ///
    /// # Errors
    /// [`TableError`] what is wrong with it.
    pub fn new(name: &str, content: TableContent) -> Result<Self, TableError> {
        if !is_table_name(name) {
            return Err(TableError::Name);
        }
        Ok(Self {
            name: name.to_owned(),
            places: content.check()?,
            content,
        })
    }

    /// The name by which rules find it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its columns and rows.
    pub fn content(&self) -> &TableContent {
        &self.content
    }

    /// The place of the column of a title; without one, of the first column behind the keys.
    pub(crate) fn column(&self, title: Option<&str>) -> Option<usize> {
        let Some(title) = title.map(fold) else {
            return Some(1);
        };
        let mut titles = self.content.columns.iter();
        titles.position(|column| fold(column) == title)
    }

    /// What stands in a column beside a key; nothing where that is empty.
    pub(crate) fn value(&self, key: &str, column: usize) -> Option<&str> {
        let row = self.content.rows.get(*self.places.get(&fold(key))?)?;
        let value = row.get(column)?;
        (!value.is_empty()).then_some(value)
    }

    /// The keys beside which a value stands in a column.
    pub(crate) fn keys_of<'t>(
        &'t self,
        value: &'t str,
        column: usize,
    ) -> impl Iterator<Item = &'t str> {
        let rows = self.content.rows.iter();
        rows.filter(move |row| row.get(column).is_some_and(|found| found == value))
            .filter_map(|row| row.first().map(String::as_str))
    }
}

/// Whether a text can be the name of a table.
pub fn is_table_name(name: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(rest)
}

/// The tables that the rules of a set can use, each in one version.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LookupTables(BTreeMap<String, Arc<LookupTable>>);

impl LookupTables {
    /// No table.
    pub const NONE: &'static Self = &Self(BTreeMap::new());

    /// The table of a name.
    pub fn find(&self, name: &str) -> Option<&Arc<LookupTable>> {
        self.0.get(name)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Puts a table in the place of the one of its name.
    pub fn insert(&mut self, table: LookupTable) {
        self.0.insert(table.name.clone(), Arc::new(table));
    }

    /// Takes the table of a name out.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

impl FromIterator<LookupTable> for LookupTables {
    fn from_iter<T: IntoIterator<Item = LookupTable>>(tables: T) -> Self {
        let mut all = Self::default();
        tables.into_iter().for_each(|table| all.insert(table));
        all
    }
}

const COLUMNS: usize = 20;
const ROWS: usize = 20_000;
/// Characters of a title.
const TITLE: usize = 100;
/// Bytes of a value.
const TEXT: usize = 1024;
/// Bytes of all values.
const BYTES: usize = 1024 * 1024;

//! Tests of one value as SQL.

use std::sync::Arc;

use scim_protocol::filter::index::instant_key;
use scim_protocol::filter::{Condition, Operator, Target, Test};
use serde_json::{Map, Value};

use super::condition::ConditionWriter;
use crate::sql::Dialect;
use crate::time::millis;

impl ConditionWriter<'_> {
    pub(super) fn json_test(&mut self, present: &str, value: &str, test: &Test) {
        match (test, self.sql.dialect) {
            (Test::Present, _) => self.test(value, test),
            (Test::Boolean(flag), Dialect::Sqlite) => {
                self.sql.push(&format!("{present} = '{flag}'"));
            }
            #[cfg(feature = "postgres")]
            (Test::Boolean(flag), Dialect::Postgres) => {
                self.sql.push(&format!("{value} = '{flag}'"));
            }
            // What a field of the same name left that is of another type passes no test.
            (
                Test::Number {
                    operator,
                    value: number,
                },
                Dialect::Sqlite,
            ) => {
                let guarded = format!("({present} IN ('integer', 'real') AND {value}");
                self.sql.push(&guarded).push(sign(*operator));
                self.sql.bind_number(number).push(")");
            }
            #[cfg(feature = "postgres")]
            (
                Test::Number {
                    operator,
                    value: number,
                },
                Dialect::Postgres,
            ) => {
                // A cast that stands beside the check may be made before it.
                let guarded = format!(
                    "CASE WHEN jsonb_typeof({present}) = 'number' THEN CAST({value} AS numeric)"
                );
                self.sql.push(&guarded).push(sign(*operator));
                self.sql.bind_number(number).push(" ELSE FALSE END");
            }
            (
                Test::Instant {
                    operator,
                    value: instant,
                },
                _,
            ) => {
                let key = instant_key(*instant);
                self.compare(value, *operator, &key);
            }
            (Test::Text { .. }, _) => self.test(value, test),
        }
    }

    /// A test of an expression that gives text.
    pub(super) fn test(&mut self, expression: &str, test: &Test) {
        match test {
            // An empty string counts as no value here, and here alone.
            Test::Present => {
                self.sql.push(expression).push(" <> ''");
            }
            Test::Text {
                operator, value, ..
            } => self.compare(expression, *operator, value),
            // Text is neither a boolean nor a number nor an instant.
            Test::Boolean(_) | Test::Number { .. } | Test::Instant { .. } => {
                self.sql.push("FALSE");
            }
        }
    }

    pub(super) fn compare(&mut self, expression: &str, operator: Operator, value: &str) {
        let ordered = match self.sql.dialect {
            Dialect::Sqlite => expression.to_owned(),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => format!("{expression} COLLATE \"C\""),
        };
        match operator {
            Operator::Contains => {
                let function = match self.sql.dialect {
                    Dialect::Sqlite => "instr",
                    #[cfg(feature = "postgres")]
                    Dialect::Postgres => "strpos",
                };
                self.sql.push(&format!("{function}({expression}, "));
                self.sql.bind(value).push(") > 0");
            }
            Operator::StartsWith => {
                // The range lets an index find the first one and the last.
                self.sql.push(&ordered).push(" >= ").bind(value);
                if let Some(end) = behind_prefix(value) {
                    self.sql.push(" AND ").push(&ordered).push(" < ").bind(end);
                }
                self.sql.push(&format!(" AND substr({expression}, 1, "));
                self.sql
                    .bind_int(characters(value))
                    .push(") = ")
                    .bind(value);
            }
            Operator::EndsWith if value.is_empty() => {
                self.sql.push(expression).push(" IS NOT NULL");
            }
            Operator::EndsWith => {
                let function = match self.sql.dialect {
                    Dialect::Sqlite => "substr",
                    #[cfg(feature = "postgres")]
                    Dialect::Postgres => "right",
                };
                let count = match self.sql.dialect {
                    Dialect::Sqlite => -characters(value),
                    #[cfg(feature = "postgres")]
                    Dialect::Postgres => characters(value),
                };
                self.sql.push(&format!("{function}({expression}, "));
                self.sql.bind_int(count).push(") = ").bind(value);
            }
            _ => {
                self.sql.push(&ordered).push(sign(operator)).bind(value);
            }
        }
    }

    /// A test of a column of milliseconds. An instant between two milliseconds equals none of them.
    pub(super) fn instant(&mut self, column: &str, test: &Test) {
        let Test::Instant { operator, value } = test else {
            self.sql.push(if matches!(test, Test::Present) {
                "TRUE"
            } else {
                "FALSE"
            });
            return;
        };
        let between = value.timestamp_subsec_nanos() % 1_000_000 != 0;
        let sign = match (operator, between) {
            (Operator::Equal, true) => {
                self.sql.push("FALSE");
                return;
            }
            (Operator::NotEqual, true) => {
                self.sql.push("TRUE");
                return;
            }
            (Operator::GreaterOrEqual, true) => " > ",
            (Operator::Less, true) => " <= ",
            (operator, _) => sign(*operator),
        };
        self.sql.push(column).push(sign).bind(millis(*value));
    }
}

/// The least text that is greater than every text with a prefix, byte by byte; `None` when there is
/// none.
fn behind_prefix(prefix: &str) -> Option<String> {
    let mut kept: Vec<char> = prefix.chars().collect();
    while let Some(last) = kept.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            kept.push(next);
            return Some(kept.into_iter().collect());
        }
    }
    None
}

/// Whether a value that is the same for every resource passes a test.
pub(super) fn constant(value: &Value, test: &Test) -> bool {
    let target = Target {
        extension: None,
        attribute: Arc::from("value"),
        sub_attribute: None,
        multi_valued: false,
    };
    let condition = Condition::Value {
        target,
        test: test.clone(),
    };
    condition.matches(&Map::from_iter([("value".to_owned(), value.clone())]))
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::NotEqual => " <> ",
        Operator::Greater => " > ",
        Operator::GreaterOrEqual => " >= ",
        Operator::Less => " < ",
        Operator::LessOrEqual => " <= ",
        _ => " = ",
    }
}

fn characters(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

//! The pages of the counter and the rows as [`maud`] writes them: a string, from nothing, each time.

use lightspeed_examples::rows::Rows;
use maud::html;
use serde::Deserialize;

/// What the rows' state holds, as it is stored.
#[derive(Debug, Deserialize)]
pub struct Table {
    /// The rows in their order.
    pub list: Vec<Row>,
    /// The row that is selected.
    pub selected: Option<u32>,
}

/// A row.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// Its number.
    pub id: u32,
    /// Its text.
    pub label: String,
}

/// The state of the rows.
///
/// # Panics
///
/// When it is none.
pub fn table(rows: &Rows) -> Table {
    let value = serde_json::to_value(rows).expect("the state is stored as well");
    serde_json::from_value(value).expect("it has rows")
}

/// The counter's page.
pub fn counter_with_maud(count: i64) -> String {
    html! {
        div.counter {
            button #dec type="button" aria-label="Decrease" { "−" }
            output #count for="dec inc" { (count) }
            button #inc type="button" aria-label="Increase" { "+" }
        }
    }
    .into_string()
}

/// The rows' page.
pub fn rows_with_maud(table: &Table) -> String {
    html! {
        div.toolbar {
            button #run.btn.btn-primary type="button" { "Create 1,000 rows" }
            button #runlots.btn.btn-primary type="button" { "Create 10,000 rows" }
            button #add.btn.btn-primary type="button" { "Append 1,000 rows" }
            button #update.btn.btn-primary type="button" { "Update every 10th row" }
            button #clear.btn.btn-primary type="button" { "Clear" }
            button #swaprows.btn.btn-primary type="button" { "Swap rows" }
        }
        table.table.table-hover.table-striped.test-data {
            tbody #tbody {
                @for row in &table.list {
                    tr.danger[table.selected == Some(row.id)] {
                        td.col-md-1 { (row.id) }
                        td.col-md-4 { a { (row.label) } }
                        td.col-md-1 {
                            a { span.glyphicon.glyphicon-remove aria-hidden="true" {} }
                        }
                        td.col-md-6 {}
                    }
                }
            }
        }
    }
    .into_string()
}

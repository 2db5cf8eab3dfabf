//! A table of thousands of rows: the page of the [js-framework-benchmark], whose
//! operations every framework is measured by.
//!
//! The loop in `render` names each row by its id. So a row that stays is the same row of
//! the page's table, and what travels is what changed: two moves for a swap.
//!
//! [js-framework-benchmark]: https://github.com/krausest/js-framework-benchmark

use lightspeed::{Context, Html, Live, MountError, Policy, Snapshot, html};
use serde::{Deserialize, Serialize};

/// The table. Its labels come from a generator that is part of the state: the same
/// messages give the same rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rows {
    list: Vec<Row>,
    selected: Option<u32>,
    next_id: u32,
    generator: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    id: u32,
    label: String,
}

/// What can happen to it; see the buttons in `render`.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the buttons say what they do")]
pub enum Msg {
    Run,
    RunLots,
    Add,
    Update,
    Clear,
    SwapRows,
    Select(u32),
    Remove(u32),
}

impl Default for Rows {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Rows {
    /// An empty table whose labels follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { list: Vec::new(), selected: None, next_id: 1, generator: seed }
    }

    fn create(&mut self, count: u32) {
        self.list.clear();
        self.selected = None;
        self.append(count);
    }

    fn append(&mut self, count: u32) {
        for id in self.next_id..self.next_id + count {
            let label = format!("{} {} {}", self.pick(&ADJECTIVES), self.pick(&COLOURS), self.pick(&NOUNS));
            self.list.push(Row { id, label });
        }
        self.next_id += count;
    }

    /// A word, by [SplitMix64](https://prng.di.unimi.it/splitmix64.c).
    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        self.generator = self.generator.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.generator;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        words[usize::try_from(bits % words.len() as u64).expect("smaller than the number of words")]
    }
}

impl Live for Rows {
    type Msg = Msg;
    type Params = ();
    // A table of that size is not worth a write for each click: a server that is killed loses a few of them.
    const POLICY: Policy<Self> = Policy::rehydrate();

    async fn mount((): (), _: &mut Context<Msg>) -> Result<Self, MountError> {
        Ok(Self::default())
    }

    fn update(&mut self, msg: Msg, _: &mut Context<Msg>) {
        match msg {
            Msg::Run => self.create(1_000),
            Msg::RunLots => self.create(10_000),
            Msg::Add => self.append(1_000),
            Msg::Update => self.list.iter_mut().step_by(10).for_each(|row| row.label.push_str(" !!!")),
            Msg::Clear => self.create(0),
            Msg::SwapRows if self.list.len() > 998 => self.list.swap(1, 998),
            Msg::SwapRows => {}
            Msg::Select(id) => self.selected = Some(id),
            Msg::Remove(id) => self.list.retain(|row| row.id != id),
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            div.toolbar {
                button #run.btn.btn-primary type="button" onclick=(Msg::Run) { "Create 1,000 rows" }
                button #runlots.btn.btn-primary type="button" onclick=(Msg::RunLots) { "Create 10,000 rows" }
                button #add.btn.btn-primary type="button" onclick=(Msg::Add) { "Append 1,000 rows" }
                button #update.btn.btn-primary type="button" onclick=(Msg::Update) { "Update every 10th row" }
                button #clear.btn.btn-primary type="button" onclick=(Msg::Clear) { "Clear" }
                button #swaprows.btn.btn-primary type="button" onclick=(Msg::SwapRows) { "Swap rows" }
            }
            table.table.table-hover.table-striped.test-data {
                tbody #tbody {
                    @for row in &self.list {
                        tr.danger[self.selected == Some(row.id)] key=(row.id) {
                            td.col-md-1 { (row.id) }
                            td.col-md-4 { a onclick=(Msg::Select(row.id)) { (row.label) } }
                            td.col-md-1 {
                                a onclick=(Msg::Remove(row.id)) {
                                    span.glyphicon.glyphicon-remove aria-hidden="true" {}
                                }
                            }
                            td.col-md-6 {}
                        }
                    }
                }
            }
        }
    }
}

impl Snapshot for Rows {
    type State = Self;
    const NAME: &'static str = "rows";

    fn save(&self) -> Self {
        self.clone()
    }

    fn load(&mut self, state: Self) {
        *self = state;
    }
}

// The benchmark's own words.
const ADJECTIVES: [&str; 25] = [
    "pretty",
    "large",
    "big",
    "small",
    "tall",
    "short",
    "long",
    "handsome",
    "plain",
    "quaint",
    "clean",
    "elegant",
    "easy",
    "angry",
    "crazy",
    "helpful",
    "mushy",
    "odd",
    "unsightly",
    "adorable",
    "important",
    "inexpensive",
    "cheap",
    "expensive",
    "fancy",
];
const COLOURS: [&str; 11] =
    ["red", "yellow", "blue", "green", "pink", "brown", "purple", "brown", "white", "black", "orange"];
const NOUNS: [&str; 13] = [
    "table", "chair", "house", "bbq", "desk", "car", "pony", "cookie", "sandwich", "burger", "pizza",
    "mouse", "keyboard",
];

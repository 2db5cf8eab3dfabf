//! What a case's component looks like in each of its states.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lightspeed::{Context, Html, Live, MountError};
use lightspeed_core::__private::{Splice, SpliceRender, SpliceText, Value};
use lightspeed_protocol::msgpack::Payload;
use maud::PreEscaped;
use serde::Serialize;

use crate::case::{Compiled, Meaning, Policy};
use crate::random::Random;
use lightspeed_templates::{Site, Values};

/// A message: what is known of the place that it comes from, and what came with it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Heard {
    /// The place, and as what it was rendered.
    pub(crate) id: String,
    pub(crate) payload: Option<String>,
    #[serde(skip)]
    site: Site,
    #[serde(skip)]
    rows: Vec<u32>,
}

/// The state of a component.
#[derive(Debug, Default)]
pub(crate) struct State {
    step: u64,
    /// What persons have put into fields and the server took, and in which step.
    taken: BTreeMap<(Site, Vec<u32>), (u64, String)>,
    pub(crate) heard: Vec<Heard>,
}

/// A component on a page, and what others may see of it.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) state: Arc<Mutex<State>>,
}

impl Running {
    pub(crate) fn new(compiled: Arc<Compiled>) -> Self {
        Self { compiled, state: Arc::default() }
    }

    /// Reads the state; a component that has panicked leaves it as it was.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&mut State) -> R) -> R {
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it looks like now.
    pub(crate) fn html(&self) -> Html<Heard> {
        self.read(|state| {
            let now = Now { compiled: &self.compiled, state };
            self.compiled.root.html(&now)
        })
    }
}

impl Live for Running {
    type Msg = Heard;
    type Params = Self;

    async fn mount(running: Self, _: &mut Context<Self::Msg>) -> Result<Self, MountError> {
        Ok(running)
    }

    fn update(&mut self, heard: Heard, _: &mut Context<Self::Msg>) {
        let meaning = self.compiled.case.meanings.get(&heard.site);
        self.read(|state| {
            if let Some(Meaning::Handler(handler)) = meaning {
                if let (Some((field, policy)), Some(payload)) = (handler.field, &heard.payload)
                    && let Some(value) = policy.of(payload)
                {
                    state.taken.insert((field, heard.rows.clone()), (state.step, value));
                }
                state.step += u64::from(handler.moves);
            }
            state.heard.push(heard);
        });
    }

    fn render(&self) -> Html<Heard> {
        self.html()
    }
}

impl Policy {
    /// What the server takes of a person's value, if anything.
    fn of(self, payload: &str) -> Option<String> {
        match self {
            Self::Echo => Some(payload.to_owned()),
            Self::Refuse => None,
            Self::Alter => Some(match payload {
                "true" => "false".to_owned(),
                "false" => "true".to_owned(),
                text => text.to_uppercase().chars().take(5).collect(),
            }),
        }
    }
}

/// A component at one moment.
struct Now<'a> {
    compiled: &'a Compiled,
    state: &'a State,
}

impl Now<'_> {
    fn random(&self, site: Site, step: u64) -> Random {
        Random::of(self.compiled.case.seed ^ (step << 40), u64::from(site) + 1)
    }

    /// The step in which the site was given its value: one of three steps changes it.
    fn epoch(&self, site: Site) -> u64 {
        (1..=self.state.step).rev().find(|step| self.random(site, *step).chance(34)).unwrap_or(0)
    }

    /// Numbers that decide the site's value in this state.
    fn decided(&self, site: Site, rows: &[u32]) -> Random {
        let mut random = self.random(site, self.epoch(site));
        let salt = rows.iter().fold(random.next(), |salt, row| salt.rotate_left(9) ^ u64::from(*row + 1));
        Random::of(salt, 1)
    }

    fn one_of(&self, texts: &[String], site: Site, rows: &[u32]) -> String {
        texts.get(self.decided(site, rows).index(texts.len().max(1))).cloned().unwrap_or_default()
    }

    /// What the server takes the field's value for.
    fn field(&self, field: Site, rows: &[u32]) -> String {
        if let Some((step, value)) = self.state.taken.get(&(field, rows.to_vec()))
            && self.epoch(field) <= *step
        {
            return value.clone();
        }
        let values = self.compiled.case.fields.get(&field).map_or(&[][..], Vec::as_slice);
        self.one_of(values, field, rows)
    }

    fn id(&self, site: Site, rows: &[u32], is_static: bool) -> String {
        let rows = rows.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        let epoch = if is_static { 0 } else { self.epoch(site) };
        format!("{site}:{rows}:{epoch}")
    }
}

impl Values<Heard> for Now<'_> {
    fn text(&self, site: Site, rows: &[u32]) -> Option<String> {
        match self.compiled.case.meanings.get(&site)? {
            Meaning::Texts(texts) => Some(self.one_of(texts, site, rows)),
            Meaning::Optional(texts) => {
                self.random(site, self.epoch(site)).chance(60).then(|| self.one_of(texts, site, rows))
            }
            Meaning::Field(field) => Some(self.field(*field, rows)),
            Meaning::Handler(handler) => Some(self.id(site, rows, handler.is_static)),
            _ => None,
        }
    }

    fn flag(&self, site: Site, rows: &[u32]) -> bool {
        match self.compiled.case.meanings.get(&site) {
            Some(Meaning::IsField { field, value }) => {
                let held = self.field(*field, rows);
                // A select of several options tells all of them, as a form does.
                held == *value
                    || form_urlencoded::parse(held.as_bytes())
                        .any(|(_, one)| !one.is_empty() && one == *value)
            }
            _ => self.decided(site, rows).chance(50),
        }
    }

    fn content(&self, site: Site, rows: &[u32]) -> Value<Heard> {
        if let Some(part) = self.compiled.parts.get(&site) {
            // A part in a list's item is the same for each of them, and its handlers too.
            return Value::Html(part.html(&Within { now: self, rows }));
        }
        match self.compiled.case.meanings.get(&site) {
            Some(Meaning::Raw(texts)) => {
                SpliceRender::splice(&&Splice(&PreEscaped(self.one_of(texts, site, rows))))
            }
            _ => SpliceText::splice(&&&Splice(&self.text(site, rows).unwrap_or_default())),
        }
    }

    fn handler(&self, site: Site, rows: &[u32]) -> Value<Heard> {
        let is_static = matches!(
            self.compiled.case.meanings.get(&site),
            Some(Meaning::Handler(handler)) if handler.is_static
        );
        let (id, rows) = (self.id(site, rows, is_static), rows.to_vec());
        Value::Payload(Arc::new(move |payload: &Payload<'_>| {
            let payload = match payload {
                Payload::None => None,
                Payload::Flag(on) => Some(on.to_string()),
                Payload::Text(text) => Some((*text).to_owned()),
                Payload::Number(number) => Some(number.to_string()),
            };
            Ok(Heard { id: id.clone(), payload, site, rows: rows.clone() })
        }))
    }

    fn arm(&self, site: Site, rows: &[u32], count: usize) -> usize {
        self.decided(site, rows).index(count)
    }

    fn rows(&self, site: Site, rows: &[u32]) -> Vec<u32> {
        let mut random = self.decided(site, rows);
        let mut left: Vec<u32> = (0..6).collect();
        (0..random.below(6)).map(|_| left.remove(random.index(left.len()))).collect()
    }
}

/// A part within the items of lists.
struct Within<'a> {
    now: &'a Now<'a>,
    rows: &'a [u32],
}

impl Values<Heard> for Within<'_> {
    fn text(&self, site: Site, rows: &[u32]) -> Option<String> {
        self.now.text(site, &[self.rows, rows].concat())
    }
    fn flag(&self, site: Site, rows: &[u32]) -> bool {
        self.now.flag(site, &[self.rows, rows].concat())
    }
    fn content(&self, site: Site, rows: &[u32]) -> Value<Heard> {
        self.now.content(site, &[self.rows, rows].concat())
    }
    fn handler(&self, site: Site, rows: &[u32]) -> Value<Heard> {
        self.now.handler(site, &[self.rows, rows].concat())
    }
    fn arm(&self, site: Site, rows: &[u32], count: usize) -> usize {
        self.now.arm(site, &[self.rows, rows].concat(), count)
    }
    fn rows(&self, site: Site, rows: &[u32]) -> Vec<u32> {
        self.now.rows(site, &[self.rows, rows].concat())
    }
}

//! An address book: list, search as you type, add, edit in place, delete.
//!
//! Shows a form that is decoded into a struct and checked, with what is wrong beside each
//! field and the typing kept, and slow work that comes back as a message. What a page shows
//! outlives the server: the state is a struct of its own, and the database is not a part of it.
//!
//! The page's request hands the database over, as any handler of axum would get it:
//!
//! ```
//! use axum::Extension;
//! use lightspeed_examples::contacts::{Contacts, Database};
//!
//! # fn example() -> Result<axum::Router, Box<dyn std::error::Error>> {
//! let pages: axum::Router = lightspeed::router().live::<Contacts>("/contacts").into();
//! let app = pages.layer(Extension(Database::open(None)?));
//! # Ok(app)
//! # }
//! ```

mod database;

use axum::Extension;
use garde::Validate;
use lightspeed::{Context, FieldErrors, Form, Html, Live, MountError, Policy, Snapshot, html};
use serde::{Deserialize, Serialize};

pub use database::{Contact, Database, DatabaseError};

/// What the form holds: serde decodes it and garde checks it.
#[derive(Debug, Clone, Deserialize, Validate)]
pub struct NewContact {
    #[garde(custom(check_name))]
    name: String,
    #[garde(custom(check_email))]
    email: String,
}

// garde hands its context over as well, which isn't needed here.
fn check_name(name: &str, _: &impl Sized) -> garde::Result {
    match name.trim().chars().count() {
        0 => Err(garde::Error::new("Enter a name.")),
        1..=100 => Ok(()),
        _ => Err(garde::Error::new("Enter a name of at most 100 letters.")),
    }
}

fn check_email(email: &str, _: &impl Sized) -> garde::Result {
    garde::rules::email::parse_email(email.trim())
        .map_err(|_| garde::Error::new("Enter an address like ada@example.com."))
}

/// The address book of one page.
#[derive(Debug)]
pub struct Contacts {
    database: Database,
    state: State,
}

/// What the page shows: all of it, and so what is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    search: String,
    /// What the search has found.
    found: Vec<Contact>,
    draft: Draft,
    /// The contact that is being edited, and its form.
    editing: Option<(i64, Draft)>,
    /// What happened last, for the person to read.
    notice: String,
}

/// A form that is being filled in: what was typed, and what is wrong with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Draft {
    name: String,
    email: String,
    errors: FieldErrors,
}

/// What can happen to it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Msg {
    Search(String),
    Found(String, Result<Vec<Contact>, DatabaseError>),
    Add(Form<NewContact>),
    Added(Result<String, DatabaseError>),
    Edit(i64),
    Cancel,
    Save(Form<NewContact>),
    Saved(i64, Result<String, DatabaseError>),
    Delete(i64),
    Deleted(Result<(), DatabaseError>),
}

impl Live for Contacts {
    type Msg = Msg;
    type Params = Extension<Database>;
    const POLICY: Policy<Self> = Policy::durable();

    async fn mount(Extension(database): Self::Params, _: &mut Context<Msg>) -> Result<Self, MountError> {
        let found = database.clone().search(String::new()).await?;
        Ok(Self { database, state: State { found, ..State::default() } })
    }

    fn update(&mut self, msg: Msg, cx: &mut Context<Msg>) {
        let database = self.database.clone();
        match msg {
            Msg::Search(text) => {
                self.state.search = text;
                self.look_up(cx);
            }
            // Answers may overtake each other: only one to what is asked now counts.
            Msg::Found(search, _) if search != self.state.search => {}
            Msg::Found(_, Ok(found)) => self.state.found = found,

            Msg::Add(form) => match self.state.draft.take(form) {
                Some(contact) => cx.perform(database.insert(contact), Msg::Added),
                None => self.state.draft.focus("new", cx),
            },
            Msg::Added(Ok(name)) => {
                self.state.draft = Draft::default();
                self.state.notice = format!("{name} is in the list.");
                // Whoever enters one contact enters the next.
                cx.focus("new-name");
                self.look_up(cx);
            }
            Msg::Added(Err(error)) => {
                self.state.notice = self.state.draft.refuse(&error);
                self.state.draft.focus("new", cx);
            }

            Msg::Edit(id) => {
                let contact = self.state.found.iter().find(|contact| contact.id == id);
                self.state.editing = contact.map(|contact| (id, Draft::of(contact)));
            }
            Msg::Cancel => self.state.editing = None,
            Msg::Save(form) => {
                if let Some((id, draft)) = &mut self.state.editing
                    && let Some(contact) = draft.take(form)
                {
                    let id = *id;
                    cx.perform(database.update(id, contact), move |result| Msg::Saved(id, result));
                }
            }
            Msg::Saved(id, result) => {
                // Meanwhile another contact may have been opened.
                let mine = self.state.editing.take_if(|(editing, _)| *editing == id);
                match (result, mine) {
                    (Ok(name), _) => {
                        self.state.notice = format!("{name} is saved.");
                        self.look_up(cx);
                    }
                    (Err(error), Some((_, mut draft))) => {
                        self.state.notice = draft.refuse(&error);
                        self.state.editing = Some((id, draft));
                    }
                    (Err(error), None) => self.state.notice = sorry(&error),
                }
            }

            Msg::Delete(id) => cx.perform(database.delete(id), Msg::Deleted),
            Msg::Deleted(Ok(())) => {
                "The contact is deleted.".clone_into(&mut self.state.notice);
                self.look_up(cx);
            }
            Msg::Deleted(Err(error)) | Msg::Found(_, Err(error)) => self.state.notice = sorry(&error),
        }
    }

    fn render(&self) -> Html<Msg> {
        html! {
            // The server says what is wrong, in place of the browser's bubbles.
            form #new-contact.card novalidate onsubmit=(Msg::Add) {
                h2 { "New contact" }
                (self.state.draft.fields("new"))
                button #add.primary type="submit" { "Add" }
            }
            p #notice.notice role="status" { (self.state.notice) }
            div.field.search {
                label for="search" { "Search" }
                input #search type="search" autocomplete="off" value=(self.state.search) oninput=(Msg::Search);
            }
            ul #contacts.contacts aria-label="Contacts" {
                @for contact in &self.state.found {
                    @let draft = self.state.editing.as_ref().filter(|(id, _)| *id == contact.id).map(|(_, draft)| draft);
                    li.contact key=(contact.id) {
                        div.who {
                            strong.name { (contact.name) }
                            a.email href={ "mailto:" (contact.email) } { (contact.email) }
                        }
                        div.actions {
                            // One button for both, so that it keeps the focus; the form is next to it.
                            button.edit type="button"
                                aria-label=@if draft.is_some() { "Cancel editing " (contact.name) } @else { "Edit " (contact.name) }
                                onclick=(if draft.is_some() { Msg::Cancel } else { Msg::Edit(contact.id) }) {
                                @if draft.is_some() { "Cancel" } @else { "Edit" }
                            }
                            @if draft.is_none() {
                                button.delete type="button" aria-label={ "Delete " (contact.name) }
                                    onclick=(Msg::Delete(contact.id)) { "Delete" }
                            }
                        }
                        @if let Some(draft) = draft {
                            form.edit novalidate aria-label={ "Edit " (contact.name) } onsubmit=(Msg::Save) {
                                (draft.fields("edit"))
                                button.save.primary type="submit" { "Save" }
                            }
                        }
                    }
                }
            }
            @if self.state.found.is_empty() {
                p #empty.empty {
                    @if self.state.search.is_empty() { "Nobody is in the list yet." } @else { "Nobody was found." }
                }
            }
        }
    }
}

impl Snapshot for Contacts {
    type State = State;
    const NAME: &'static str = "contacts";

    fn save(&self) -> State {
        self.state.clone()
    }

    fn load(&mut self, state: State) {
        self.state = state;
    }
}

impl Contacts {
    /// Asks the database for what the list should show.
    fn look_up(&self, cx: &mut Context<Msg>) {
        let search = self.state.search.clone();
        cx.perform(self.database.clone().search(search.clone()), |found| Msg::Found(search, found));
    }
}

impl Draft {
    fn of(contact: &Contact) -> Self {
        Self { name: contact.name.clone(), email: contact.email.clone(), errors: FieldErrors::new() }
    }

    /// Keeps what was typed, and returns the contact if nothing is wrong with it.
    fn take(&mut self, form: Form<NewContact>) -> Option<NewContact> {
        form.field("name").unwrap_or_default().clone_into(&mut self.name);
        form.field("email").unwrap_or_default().clone_into(&mut self.email);
        self.errors = FieldErrors::new();
        form.validated().map_err(|errors| self.errors = errors).ok()
    }

    /// The database has refused it: says so beside the field where it is the field's fault, else in what it returns.
    fn refuse(&mut self, error: &DatabaseError) -> String {
        if matches!(error, DatabaseError::AddressTaken) {
            self.errors.insert("email", "Another contact has this address.");
            return String::new();
        }
        sorry(error)
    }

    /// Has the page focus the first field with which something is wrong.
    fn focus(&self, form: &str, cx: &mut Context<Msg>) {
        if let Some(name) = ["name", "email"].into_iter().find(|name| self.errors.get(name).is_some()) {
            cx.focus(format!("{form}-{name}"));
        }
    }

    fn fields(&self, form: &str) -> Html<Msg> {
        html! {
            (self.field(form, "name", "Name", "text", &self.name))
            (self.field(form, "email", "Email", "email", &self.email))
        }
    }

    /// A field with its label and what is wrong with it, tied together for those who don't see them side by side.
    fn field(&self, form: &str, name: &str, label: &str, kind: &str, value: &str) -> Html<Msg> {
        let id = format!("{form}-{name}");
        let error = self.errors.get(name);
        html! {
            div.field {
                label for=(id) { (label) }
                input #(id) name=(name) type=(kind) value=(value) autocomplete="off" required
                    aria-invalid=[error.map(|_| "true")]
                    aria-describedby=[error.map(|_| format!("{id}-error"))];
                @if let Some(error) = error {
                    p #{ (id) "-error" }.error role="alert" { (error) }
                }
            }
        }
    }
}

/// What a person is told of a fault that isn't theirs; the cause goes to the log.
fn sorry(error: &DatabaseError) -> String {
    tracing::error!(?error, "the contacts' database did not answer");
    match error {
        DatabaseError::Gone => "Somebody else has deleted this contact.".to_owned(),
        _ => "That did not work, and nothing was changed. Please try again.".to_owned(),
    }
}

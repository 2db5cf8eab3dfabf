//! What an author implements: a live component.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use axum::http::StatusCode;
use lightspeed_core::Html;

use crate::component::context::Context;
use crate::component::policy::Policy;

/// A live component: state, the messages that change it, and what it looks like.
///
/// One value of it lives on the server for each browser session that shows it. It is
/// mounted once, by the request for the page; the page's socket then attaches to that
/// very value.
///
/// A panic in any of its methods, as long as it unwinds, concerns its own session and nothing else; so does
/// code that takes long or never returns. A second panic while the first unwinds, or a stack that overflows,
/// ends the process. After a panic, a component whose state is stored goes on from the last good state:
/// that takes a [`POLICY`](Live::POLICY) that says so and a [store](crate::Config::with_store). Any other
/// starts over.
pub trait Live: Sized + Send + 'static {
    /// What can happen to it. Handlers in [`render`](Live::render) are made of these, so a
    /// renamed variant is a compile error.
    ///
    /// `Sync` because a rendered tree is shared, and its handlers hold messages.
    type Msg: Send + Sync + 'static;

    /// What it is mounted with. For [`LiveRouter::live`](crate::LiveRouter::live) anything
    /// that axum extracts from a request's head: `()`, `Path<..>`, `Query<..>`, `Extension<..>`, a tuple.
    type Params: Send + 'static;

    /// What becomes of its session when the connection or the server is lost.
    const POLICY: Policy<Self> = Policy::resume();

    /// Whether large patches and snapshots of it may be compressed.
    ///
    /// Whoever sees how long messages are, and chooses a text that is shown beside a secret, may learn of the
    /// secret what compression makes of both, one guess after the other
    /// ([BREACH](https://breachattack.com/)). Say `false` where a component renders both; `specs/security.md`
    /// has more.
    const IS_COMPRESSED: bool = true;

    /// Makes the component.
    ///
    /// # Errors
    ///
    /// Whatever `?` meets; the page then tells of a fault on the server. Use
    /// [`MountError::new`] for a page that tells more, as that there is no such thing.
    fn mount(
        params: Self::Params,
        cx: &mut Context<Self::Msg>,
    ) -> impl Future<Output = Result<Self, MountError>> + Send;

    /// Handles a message. Long work goes to [`Context::perform`].
    fn update(&mut self, msg: Self::Msg, cx: &mut Context<Self::Msg>);

    /// What the state looks like: a pure function of it, which gives the same for the same state at any time. An idle
    /// session lets go of what it gave and calls it again.
    fn render(&self) -> Html<Self::Msg>;

    /// The page's title when [`LiveRouter::live`](crate::LiveRouter::live) serves it: the type's name unless
    /// overridden.
    fn title(&self) -> String {
        let name = std::any::type_name::<Self>();
        let name = name.split('<').next().unwrap_or(name);
        name.rsplit("::").next().unwrap_or(name).to_owned()
    }
}

/// Why a component could not be mounted: a status and a sentence for the person at the browser.
///
/// Every error converts into one with status 500; its text goes to the log, not to the
/// page.
///
/// ```
/// use axum::http::StatusCode;
/// use lightspeed::MountError;
///
/// fn find(id: &str) -> Result<u32, MountError> {
///     let id: u32 = id.parse()?;
///     if id > 99 {
///         return Err(MountError::new(StatusCode::NOT_FOUND, "There is no such order."));
///     }
///     Ok(id)
/// }
/// assert_eq!(find("12").unwrap(), 12);
/// assert_eq!(find("x").unwrap_err().status(), StatusCode::INTERNAL_SERVER_ERROR);
/// assert_eq!(find("100").unwrap_err().message(), "There is no such order.");
/// ```
pub struct MountError {
    status: StatusCode,
    message: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl MountError {
    /// An error whose `message` the page shows.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), source: None }
    }

    /// The same with what caused it, for the log.
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The status of the response.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What the page shows.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What caused it.
    pub fn source(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    pub(crate) fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on the server. Please try again.")
    }

    pub(crate) fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many pages are open. Please close some and try again.")
    }

    pub(crate) fn ending() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is being restarted. Please try again in a minute.",
        )
    }

    pub(crate) fn full() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The server is busy. Please try again in a minute.")
    }
}

impl fmt::Debug for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MountError")
            .field("status", &self.status)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.message)?;
        match &self.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

// `MountError` is itself no `Error`: only so can every error convert into it.
impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for MountError {
    fn from(error: E) -> Self {
        Self::failed().with_source(error)
    }
}

//! Which page a component is shown at.

pub(crate) mod page;

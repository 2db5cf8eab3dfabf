//! What every other part uses, and an operator sees: the threads that run components, the log, the clock.

pub(crate) mod clock;
pub(crate) mod crew;
pub(crate) mod entropy;
pub(crate) mod shutdown;
pub mod telemetry;

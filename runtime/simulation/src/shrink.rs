//! From a failure to the little that it needs.

use crate::world::{Failure, Plan};

/// Leaves steps out as long as the same clause still fails. Gives up after `runs_max` runs.
///
/// [Delta debugging](https://doi.org/10.1109/32.988498), on steps: each draws from numbers of its own,
/// so that leaving one out changes what the others meet and not what they are.
pub fn shrink(plan: &Plan, failure: &Failure, runs_max: usize) -> (Plan, Failure) {
    let mut best = (Plan { steps: (failure.step + 1).min(plan.steps), ..plan.clone() }, failure.clone());
    let mut runs = 0;
    if let Err(again) = best.0.run() {
        best.1 = again;
    } else {
        best.0.steps = plan.steps;
    }
    let mut size = best.0.steps.div_ceil(2).max(1);
    loop {
        let mut has_shrunk = false;
        let mut start = 0;
        while start < best.0.steps {
            let mut candidate = best.0.clone();
            candidate.skipped.extend(start..(start + size).min(best.0.steps));
            start += size;
            if candidate.skipped.len() == best.0.skipped.len() {
                continue;
            }
            runs += 1;
            if runs > runs_max {
                return best;
            }
            if let Err(again) = candidate.run()
                && again.clause == failure.clause
            {
                best = (candidate, again);
                has_shrunk = true;
            }
        }
        if size == 1 && !has_shrunk {
            return best;
        }
        size = (size / 2).max(1);
    }
}

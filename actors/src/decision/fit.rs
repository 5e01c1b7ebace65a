//! Does the volume of an offer fit what the customer uses? Nobody is sold what they will not need.

use crate::decision::candidates::Reason;
use crate::decision::context::CaseFacts;
use crate::playbook::extras::Fit;

/// Whether the volume fits.
///
/// # Errors
/// [`Reason::UsageUnknown`] when nothing is known of the usage, else [`Reason::Oversized`] or [`Reason::Undersized`].
pub fn check(fit: &Fit, facts: &CaseFacts<'_>) -> Result<(), Reason> {
    let Some(usage) = fit.usage.value(facts) else { return Err(Reason::UsageUnknown) };
    if fit.volume > usage * fit.times_max {
        return Err(Reason::Oversized);
    }
    if fit.volume < usage * fit.times_min {
        return Err(Reason::Undersized);
    }
    Ok(())
}

//! What the stores count.

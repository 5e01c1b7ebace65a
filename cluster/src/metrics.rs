//! What the cluster counts.

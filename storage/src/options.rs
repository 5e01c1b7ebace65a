//! How a store is set up.

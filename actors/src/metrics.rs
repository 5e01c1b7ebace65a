//! What the actors count.

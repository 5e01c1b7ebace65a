//! Tests live in it/ and sim/.

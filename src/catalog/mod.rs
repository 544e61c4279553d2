//! The catalog of required endpoints.

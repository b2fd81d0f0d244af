//! The suite every store passes: in the making.

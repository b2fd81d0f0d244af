//! Real servers as groups: how each is started by hand, in folders of its own.

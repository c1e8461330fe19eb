//! Looking names up.

pub mod hickory;

//! Behaviour of the carriers over HTTP against their twins, and their golden signatures.

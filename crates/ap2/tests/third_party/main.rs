//! What other people's programs say about what this crate makes. One binary, so that it links once.

#[cfg(test)]
mod programs;

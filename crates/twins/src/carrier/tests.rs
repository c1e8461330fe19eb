//! Behaviour of the twins of carriers that is not seen through our adapters.

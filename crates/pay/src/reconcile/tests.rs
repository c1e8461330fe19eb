//! Comparisons, sweeps, and the books that look after themselves.

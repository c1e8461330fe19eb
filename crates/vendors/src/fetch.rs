//! Reading websites.

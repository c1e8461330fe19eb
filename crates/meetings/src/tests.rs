//! Meetings from every side, against PostgreSQL and the twins of booking services.

mod calendars;
mod mails;
mod world;

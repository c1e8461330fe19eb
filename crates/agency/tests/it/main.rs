//! The program as its users meet it: commands, settings, start and stop. One binary, so that it links
//! once.

#[cfg(test)]
mod config;
#[cfg(test)]
mod database;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod eval;
#[cfg(test)]
mod pay_crash;
#[cfg(test)]
mod program;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod rail_twins;
#[cfg(test)]
mod sdk;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod seed;
#[cfg(test)]
mod sink;
#[cfg(test)]
mod up;
#[cfg(test)]
mod x402_parties;

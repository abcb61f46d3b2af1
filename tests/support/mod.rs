//! Servers, clients and comparisons for whatever runs the extension from outside: the integration
//! tests, the in-server tests, the demo and the benchmark. Nothing here uses the extension's code.
//!
//! Servers live in a [`sandbox::Sandbox`]: a directory of their own, free ports, an end that comes
//! with the test, also when it panics or is killed.
#![allow(dead_code)] // each of the programs uses its part

pub mod canonical;
pub mod compare;
pub mod dice;
pub mod fixture;
pub mod forger;
pub mod installation;
pub mod json_text;
pub mod live_writer;
pub mod mariadb;
pub mod mariadb_client;
pub mod postgres;
pub mod postgres_client;
pub mod proxy;
pub mod said;
pub mod sandbox;
pub mod stream_fixture;
pub mod stream_verdict;
pub mod structure;
pub mod wait;

//! One source type: what its column becomes, and values with what is to become of them.

/// Where a type is to be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Server {
    Both,
    MariaDb,
    MySql,
}

/// A column `v` of a table of its own.
#[derive(Clone, Copy)]
pub struct Case {
    /// The column's definition at the source.
    pub source: &'static str,
    /// The column's type in the copy, as `format_type` writes it.
    pub target: &'static str,
    pub server: Server,
    /// SQL of values that the source takes as they are, and that arrive.
    pub holds: &'static [&'static str],
    /// SQL of values that the source takes in a lax mode only, maybe bent, and that arrive.
    pub bends: &'static [&'static str],
    /// SQL of values that the source takes in a lax mode, and the SQLSTATE of their rejects; with a
    /// star where PostgreSQL itself refuses the row, which names no column.
    pub refuses: &'static [(&'static str, &'static str)],
}

pub const fn case(
    source: &'static str,
    target: &'static str,
    holds: &'static [&'static str],
) -> Case {
    Case {
        source,
        target,
        server: Server::Both,
        holds,
        bends: &[],
        refuses: &[],
    }
}

impl Case {
    pub const fn on(mut self, server: Server) -> Case {
        self.server = server;
        self
    }

    pub const fn bends(mut self, values: &'static [&'static str]) -> Case {
        self.bends = values;
        self
    }

    pub const fn refuses(mut self, values: &'static [(&'static str, &'static str)]) -> Case {
        self.refuses = values;
        self
    }
}

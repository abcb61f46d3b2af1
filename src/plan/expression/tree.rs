//! An expression of the source as a tree.

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Boolean(bool),
    /// Digits only.
    Integer(String),
    /// With a point.
    Decimal(String),
    /// With an exponent.
    Float(String),
    Text(String),
    Bytes(Vec<u8>),
    Column(String),
    Negative(Box<Tree>),
    Not(Box<Tree>),
    Binary(Operator, Box<Tree>, Box<Tree>),
    Is {
        operand: Box<Tree>,
        what: Is,
        negated: bool,
    },
    In {
        operand: Box<Tree>,
        list: Vec<Tree>,
        negated: bool,
    },
    Between {
        operand: Box<Tree>,
        low: Box<Tree>,
        high: Box<Tree>,
        negated: bool,
    },
    Like {
        operand: Box<Tree>,
        pattern: Box<Tree>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Tree>>,
        arms: Vec<(Tree, Tree)>,
        otherwise: Option<Box<Tree>>,
    },
    /// A function by its name in lower case.
    Call(String, Vec<Tree>),
    Cast(Box<Tree>, CastTo),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    Null,
    True,
    False,
}

/// The types of CAST that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CastTo {
    Signed,
    Unsigned,
    /// With the number of characters, if it has one.
    Char(Option<u32>),
    Date,
    Decimal(u32, u32),
    /// CONVERT(text USING a Unicode character set).
    Unicode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    Xor,
    And,
    Equal,
    NullSafeEqual,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    BitOr,
    BitAnd,
    Plus,
    Minus,
    Times,
    Divide,
    IntegerDivide,
    Modulo,
}

impl Operator {
    /// How tight it binds, as the source has it.
    pub(super) const fn power(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::Xor => 2,
            Operator::And => 3,
            Operator::Equal
            | Operator::NullSafeEqual
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => COMPARISON,
            Operator::BitOr => 6,
            Operator::BitAnd => 7,
            Operator::Plus | Operator::Minus => 9,
            Operator::Times | Operator::Divide | Operator::IntegerDivide | Operator::Modulo => 10,
        }
    }
}

/// The power of NOT, and of comparisons.
pub(super) const NOT: u8 = 4;
pub(super) const COMPARISON: u8 = 5;
/// The power of a sign in front.
pub(super) const SIGN: u8 = 12;

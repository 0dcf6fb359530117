//! `$(( ))` and `(( ))`.

use brush_parser::ast::{
    ArithmeticExpr as Expr, ArithmeticTarget, BinaryOperator as Op, UnaryAssignmentOperator,
    UnaryOperator,
};

use super::{
    machine::{Machine, Stop},
    syntax::{Word, arithmetic},
};
use crate::text::Text;

/// A number, or why it is not known, to be read after "it".
type Number = Result<i64, String>;

impl Machine<'_> {
    /// Computes an expression.
    pub(super) fn compute(&mut self, word: &Word) -> Result<Number, Stop> {
        let text = self.expand_one(word)?;
        let number = text.get().and_then(|text| {
            let expression = arithmetic(text);
            expression.ok_or_else(|| format!("computes {text:?}, which is no expression"))
        });
        Ok(number.and_then(|expression| self.number(&expression)))
    }

    /// Computes a part of the head of a loop; `None` if there is none, or it is not known.
    pub(super) fn compute_part(&mut self, word: Option<&Word>) -> Result<Option<i64>, Stop> {
        match word {
            Some(word) => match self.compute(word)? {
                Ok(number) => Ok(Some(number)),
                Err(reason) => Err(Stop::Refused(reason)),
            },
            None => Ok(None),
        }
    }

    fn number(&mut self, expression: &Expr) -> Number {
        match expression {
            Expr::Literal(number) => Ok(*number),
            Expr::Reference(target) => self.reference(target),
            Expr::UnaryOp(operator, operand) => {
                let number = self.number(operand)?;
                Ok(match operator {
                    UnaryOperator::UnaryPlus => number,
                    UnaryOperator::UnaryMinus => number.wrapping_neg(),
                    UnaryOperator::BitwiseNot => !number,
                    UnaryOperator::LogicalNot => i64::from(number == 0),
                })
            }
            Expr::BinaryOp(operator, one, other) => {
                let (one, other) = (self.number(one)?, self.number(other)?);
                binary(*operator, one, other)
            }
            Expr::Conditional(condition, one, other) => {
                let chosen = if self.number(condition)? == 0 {
                    other
                } else {
                    one
                };
                self.number(chosen)
            }
            Expr::Assignment(target, value) => {
                let number = self.number(value)?;
                self.set(target, number)
            }
            Expr::BinaryAssignment(operator, target, value) => {
                let number = binary(*operator, self.reference(target)?, self.number(value)?)?;
                self.set(target, number)
            }
            Expr::UnaryAssignment(operator, target) => {
                use UnaryAssignmentOperator as Step;
                let before = self.reference(target)?;
                let after = match operator {
                    Step::PrefixIncrement | Step::PostfixIncrement => before.wrapping_add(1),
                    Step::PrefixDecrement | Step::PostfixDecrement => before.wrapping_sub(1),
                };
                self.set(target, after)?;
                Ok(match operator {
                    Step::PrefixIncrement | Step::PrefixDecrement => after,
                    Step::PostfixIncrement | Step::PostfixDecrement => before,
                })
            }
        }
    }

    fn reference(&mut self, target: &ArithmeticTarget) -> Number {
        let ArithmeticTarget::Variable(name) = target else {
            return Err("uses an array".to_owned());
        };
        match self.value(name) {
            Ok(Text::Known(text)) if text.trim().is_empty() => Ok(0),
            Ok(text) => {
                let text = text.get()?;
                let number = text.trim().parse();
                number.map_err(|_| format!("computes with {text:?}, which is no number"))
            }
            Err(unset) if unset.is_certain => Ok(0),
            Err(unset) => Err(unset.reason),
        }
    }

    fn set(&mut self, target: &ArithmeticTarget, number: i64) -> Number {
        let ArithmeticTarget::Variable(name) = target else {
            return Err("uses an array".to_owned());
        };
        self.assign(name, Text::known(number.to_string()));
        Ok(number)
    }
}

fn binary(operator: Op, one: i64, other: i64) -> Number {
    let truth = |holds| Ok(i64::from(holds));
    let divide = |result: Option<i64>| result.ok_or_else(|| "divides by zero".to_owned());
    match operator {
        Op::Add => Ok(one.wrapping_add(other)),
        Op::Subtract => Ok(one.wrapping_sub(other)),
        Op::Multiply => Ok(one.wrapping_mul(other)),
        Op::Divide => divide(one.checked_div(other)),
        Op::Modulo => divide(one.checked_rem(other)),
        Op::Comma => Ok(other),
        Op::LessThan => truth(one < other),
        Op::LessThanOrEqualTo => truth(one <= other),
        Op::GreaterThan => truth(one > other),
        Op::GreaterThanOrEqualTo => truth(one >= other),
        Op::Equals => truth(one == other),
        Op::NotEquals => truth(one != other),
        Op::LogicalAnd => truth(one != 0 && other != 0),
        Op::LogicalOr => truth(one != 0 || other != 0),
        Op::BitwiseAnd => Ok(one & other),
        Op::BitwiseOr => Ok(one | other),
        Op::BitwiseXor => Ok(one ^ other),
        Op::Power | Op::ShiftLeft | Op::ShiftRight => {
            Err("computes with powers or shifts".to_owned())
        }
    }
}

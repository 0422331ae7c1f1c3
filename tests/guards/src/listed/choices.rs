//! A file's text with all its mutants in it, and a choice between them.
//!
//! A mutant of a body returns what it returns before anything else is done. One of an operator, an arm or a guard is the
//! smallest expression around it, with that part replaced; so expressions stand in each other, and with them the choices.

use std::{collections::BTreeMap, ops::Range};

use syn::{spanned::Spanned, visit::Visit};

use super::list::Listed;

/// A text, and where in it which mutants stand.
pub(crate) struct Choices {
    pub(crate) text: String,
    /// The bytes of mutated code, and of the whole choice that it stands in, each with the mutants that are in it.
    places: Vec<(Range<usize>, Vec<u32>)>,
}

impl Choices {
    /// Those that do not compile, if there is an error at these bytes: the ones of the smallest place.
    pub(crate) fn at(&self, error: &Range<usize>) -> Option<&[u32]> {
        let around = self.places.iter().filter(|(bytes, _)| bytes.start <= error.start && error.end <= bytes.end);
        around.min_by_key(|(bytes, _)| bytes.len()).map(|(_, mutants)| &**mutants)
    }

    /// The text of a file with these mutants, and those that stand in no expression of their own.
    pub(crate) fn of(original: &str, mutants: &[&Listed]) -> Result<(Self, Vec<u32>), String> {
        let file = syn::parse_file(original).map_err(|error| error.to_string())?;
        let mut expressions = Expressions::default();
        expressions.visit_file(&file);
        let (mut nodes, mut left_out) = (BTreeMap::<_, Node<'_>>::new(), Vec::new());
        for mutant in mutants {
            let found = if mutant.is_body {
                (!mutant.is_unnamed).then_some((mutant.bytes.start..mutant.bytes.start, Form::Body))
            } else {
                expressions.around(&mutant.bytes, mutant.replacement.is_empty())
            };
            match found {
                // Outer ones before those that they begin with.
                Some((bytes, form)) => nodes
                    .entry((bytes.start, usize::MAX - bytes.end, form == Form::Body))
                    .or_insert(Node { bytes, form, mutants: Vec::new() })
                    .mutants
                    .push(mutant),
                None => left_out.push(mutant.number),
            }
        }
        let nodes: Vec<Node<'_>> = nodes.into_values().collect();
        let mut choices = Self { text: String::new(), places: Vec::new() };
        choices.write(original, 0..original.len(), &nodes);
        Ok((choices, left_out))
    }

    /// Writes these bytes, with the choices in them.
    fn write(&mut self, original: &str, bytes: Range<usize>, mut nodes: &[Node<'_>]) {
        let mut done = bytes.start;
        while let Some((node, rest)) = nodes.split_first() {
            let inside = rest.iter().take_while(|other| other.bytes.start < node.bytes.end).count();
            let (inside, behind) = rest.split_at(inside);
            self.text += original.get(done..node.bytes.start).unwrap_or_default();
            self.choose(original, node, inside);
            done = node.bytes.end;
            nodes = behind;
        }
        self.text += original.get(done..bytes.end).unwrap_or_default();
    }

    fn choose(&mut self, original: &str, node: &Node<'_>, inside: &[Node<'_>]) {
        let begin = self.text.len();
        self.text += match node.form {
            Form::Body => "",
            Form::Statement => "{ ",
            Form::Operand => "(",
        };
        for mutant in node.mutants.iter() {
            self.text += &format!("if ::vmctx_mutant::is({}) {{ ", mutant.number);
            let start = self.text.len();
            if node.form == Form::Body {
                self.text += &format!("return {};", mutant.replacement);
            } else {
                let (before, behind) = (node.bytes.start..mutant.bytes.start, mutant.bytes.end..node.bytes.end);
                self.text += original.get(before).unwrap_or_default();
                self.text += &mutant.replacement;
                self.text += original.get(behind).unwrap_or_default();
            }
            self.places.push((start..self.text.len(), vec![mutant.number]));
            self.text += if node.form == Form::Body { " } " } else { " } else " };
        }
        if node.form != Form::Body {
            self.text += "{ ";
            self.write(original, node.bytes.clone(), inside);
            self.text += if node.form == Form::Statement { " } }" } else { " })" };
        }
        self.places.push((begin..self.text.len(), node.mutants.iter().map(|mutant| mutant.number).collect()));
    }
}

/// What is replaced as a whole, and by which mutants.
struct Node<'a> {
    bytes: Range<usize>,
    form: Form,
    mutants: Vec<&'a Listed>,
}

/// How a choice is written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// In front of a function's body.
    Body,
    /// In braces, as what may be a statement without a semicolon.
    Statement,
    /// In parentheses, as what may begin a statement, and go on.
    Operand,
}

/// The expressions of a file.
#[derive(Default)]
struct Expressions(Vec<(Range<usize>, Form)>);

impl Expressions {
    /// The smallest one around these bytes, which is more than they are if something of it is to be left.
    fn around(&self, bytes: &Range<usize>, has_more: bool) -> Option<(Range<usize>, Form)> {
        let around = self
            .0
            .iter()
            .filter(|(whole, _)| whole.start <= bytes.start && bytes.end <= whole.end && !(has_more && whole == bytes));
        around.min_by_key(|(whole, _)| whole.len()).cloned()
    }
}

impl<'ast> Visit<'ast> for Expressions {
    fn visit_expr(&mut self, expression: &'ast syn::Expr) {
        // A condition with `let` binds names, and is a value nowhere else.
        if !binds(expression) {
            let form = match expression {
                syn::Expr::Match(_) | syn::Expr::If(_) | syn::Expr::Block(_) | syn::Expr::Unsafe(_) => Form::Statement,
                _ => Form::Operand,
            };
            self.0.push((expression.span().byte_range(), form));
        }
        syn::visit::visit_expr(self, expression);
    }
}

fn binds(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => binds(&binary.left) || binds(&binary.right),
        _ => false,
    }
}

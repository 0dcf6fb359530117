//! Settings from two places, of which one wins.

/// Takes each field from `$above`, or from `$below` if it is not set there; leaving a field out is an
/// error of the compiler.
macro_rules! overlay {
    ($above:ident over $below:ident: $($field:ident),+; $($section:ident),*) => {{
        let Self { $($field,)+ $($section,)* } = $above;
        Self {
            $($field: $field.or($below.$field),)+
            $($section: $section.over($below.$section),)*
        }
    }};
}
pub(super) use overlay;

//! Groups of readings that belong together, and what can be done with a whole group.

/// Declares a struct whose fields are all readings, each `measured` (it gets old, and is lost with
/// the card) or `fixed` (a property that stays true while the card does not answer).
macro_rules! readings {
    ($(#[$doc:meta])* $name:ident {
        $( $(#[$field_doc:meta])* $how:ident $field:ident: $type:ty, )+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: $crate::Reading<$type>, )+
        }

        impl $name {
            /// A card that has none of this.
            #[must_use]
            pub const fn unsupported() -> Self {
                Self { $( $field: $crate::Reading::Unsupported, )+ }
            }

            /// The same, read `by` earlier: measurements are older, properties still hold.
            #[must_use]
            pub fn aged(self, by: std::time::Duration) -> Self {
                Self { $( $field: readings!(@age $how self.$field, by), )+ }
            }

            /// The same after a failure: no measurement, and the properties that were known.
            #[must_use]
            pub fn failed(self, failure: $crate::Failure) -> Self {
                Self { $( $field: readings!(@fail $how self.$field, failure), )+ }
            }

            /// Whether both say the same, apart from how old it is.
            #[must_use]
            pub fn same_but_for_ages(&self, other: &Self) -> bool {
                $( self.$field.same_but_for_age(&other.$field) )&&+
            }
        }
    };
    (@age measured $reading:expr, $by:expr) => { $reading.aged($by) };
    (@age fixed $reading:expr, $by:expr) => {{ let _: std::time::Duration = $by; $reading }};
    (@fail measured $reading:expr, $failure:expr) => { $crate::Reading::Failed($failure) };
    (@fail fixed $reading:expr, $failure:expr) => {{ let _: $crate::Failure = $failure; $reading }};
}

pub(crate) use readings;

//! Typed ids over UUIDv7, made by one macro so that two kinds of id never mix.

/// Declares a typed id: a transparent newtype over [`uuid::Uuid`] that serialises, parses, prints
/// and binds to PostgreSQL `uuid` columns.
#[macro_export]
macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug,
            $crate::id::serde::Serialize, $crate::id::serde::Deserialize,
            $crate::id::schemars::JsonSchema,
        )]
        #[serde(transparent, crate = "base::id::serde")]
        #[schemars(transparent, crate = "base::id::schemars")]
        pub struct $name(pub $crate::id::uuid::Uuid);

        impl $name {
            /// The id as a plain UUID, for binding to SQL.
            pub fn uuid(self) -> $crate::id::uuid::Uuid {
                self.0
            }
        }

        impl From<$crate::id::uuid::Uuid> for $name {
            fn from(value: $crate::id::uuid::Uuid) -> Self {
                Self(value)
            }
        }

        impl From<$name> for $crate::id::uuid::Uuid {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl $crate::id::sqlx::Type<$crate::id::sqlx::Postgres> for $name {
            fn type_info() -> $crate::id::sqlx::postgres::PgTypeInfo {
                <$crate::id::uuid::Uuid as $crate::id::sqlx::Type<$crate::id::sqlx::Postgres>>::type_info()
            }
        }

        impl $crate::id::sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> $crate::id::sqlx::postgres::PgTypeInfo {
                <$crate::id::uuid::Uuid as $crate::id::sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }

        impl<'q> $crate::id::sqlx::Encode<'q, $crate::id::sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buf: &mut $crate::id::sqlx::postgres::PgArgumentBuffer,
            ) -> Result<$crate::id::sqlx::encode::IsNull, $crate::id::sqlx::error::BoxDynError> {
                <$crate::id::uuid::Uuid as $crate::id::sqlx::Encode<'q, $crate::id::sqlx::Postgres>>::encode_by_ref(&self.0, buf)
            }
        }

        impl<'r> $crate::id::sqlx::Decode<'r, $crate::id::sqlx::Postgres> for $name {
            fn decode(
                value: $crate::id::sqlx::postgres::PgValueRef<'r>,
            ) -> Result<Self, $crate::id::sqlx::error::BoxDynError> {
                <$crate::id::uuid::Uuid as $crate::id::sqlx::Decode<'r, $crate::id::sqlx::Postgres>>::decode(value).map(Self)
            }
        }
    };
}

#[doc(hidden)]
pub use {schemars, serde, sqlx, uuid};

// The macro names this crate as `base`, also from inside it.
use crate as base;

id_type!(
    /// An isolated customer of the installation; the API calls it *client*.
    TenantId
);
id_type!(
    /// A person who signs in.
    UserId
);
id_type!(
    /// One inbound request, job run or command; ties log lines, audit rows and error pages together.
    RequestId
);

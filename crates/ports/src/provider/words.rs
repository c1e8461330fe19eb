//! The closed vocabularies of look-ups.

use serde::{Deserialize, Serialize};

/// A vocabulary with the word in rows and the words for people.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $code:literal, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in rows, addresses and the API.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What people call it.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = base::Error;
            fn from_str(text: &str) -> Result<Self, base::Error> {
                Self::ALL.iter().copied().find(|one| one.word() == text).ok_or_else(|| {
                    base::Error::invalid($code, format!(concat!("“{}” is not ", $what, "."), text))
                })
            }
        }
    };
}

words!(
    /// A service.
    Provider, "provider.unknown", "a data provider" {
        /// The Australian business register.
        Abn = "abn", "ABN Lookup";
        /// Actors that read public pages.
        Apify = "apify", "Apify";
        /// People and companies.
        Apollo = "apollo", "Apollo";
        /// A table that enriches by itself and calls back.
        Clay = "clay", "Clay";
        /// Work addresses.
        Hunter = "hunter", "Hunter";
        /// Mobile numbers of people on LinkedIn.
        Kaspr = "kaspr", "Kaspr";
        /// Places on the map.
        Places = "places", "Google Places";
        /// The company's own website, read politely.
        Website = "website", "Company website";
    }
);

words!(
    /// What a look-up is for.
    Purpose, "provider.purpose", "a purpose of a look-up" {
        /// Who the company is.
        Company = "company", "Company";
        /// Where it is on the map, and its published number.
        Place = "place", "Place on the map";
        /// Finds somebody's work address.
        FindEmail = "find_email", "Find the address";
        /// Checks an address.
        VerifyEmail = "verify_email", "Check the address";
        /// Who the person is: title, profile, address.
        Profile = "profile", "Person's profile";
        /// The person's own number.
        Mobile = "mobile", "Mobile number";
    }
);

words!(
    /// What a finding is about.
    Field, "provider.field", "something that a provider can find" {
        /// Work address.
        Email = "email", "Work address";
        /// `verified`, `catch_all`, `unverified` or `invalid`.
        EmailState = "email_state", "State of the address";
        /// Private address.
        PersonalEmail = "personal_email", "Private address";
        /// Given name.
        FirstName = "first_name", "First name";
        /// Family name.
        LastName = "last_name", "Last name";
        /// Job title.
        Title = "title", "Job title";
        /// When the present role began, as a date.
        RoleStarted = "role_started", "In this role since";
        /// LinkedIn profile of the person.
        LinkedIn = "linkedin", "LinkedIn profile";
        /// The person's own number.
        Mobile = "mobile", "Mobile number";
        /// The company's number.
        Phone = "phone", "Company's number";
        /// Company name.
        Company = "company", "Company";
        /// Company domain.
        Domain = "domain", "Company domain";
        /// Industry.
        Industry = "industry", "Industry";
        /// Number of employees.
        Headcount = "headcount", "Employees";
        /// ISO 3166 code.
        Country = "country", "Country";
        /// State.
        Region = "region", "State";
        /// City.
        City = "city", "City";
        /// When the company was last funded, as a date.
        FundedOn = "funded_on", "Last funded";
        /// Australian Business Number.
        Abn = "abn", "ABN";
        /// Since when it is registered for GST, as a date.
        Gst = "gst", "GST since";
        /// Kind of legal entity.
        Entity = "entity", "Legal form";
        /// Address.
        Address = "address", "Address";
        /// Rating on the map, with the number of reviews.
        Rating = "rating", "Rating";
        /// Technology in use.
        Technology = "technology", "Technology";
        /// The company's description of itself.
        Description = "description", "Description";
    }
);

//! Where a lead's clock stands: country, state and city → IANA zone. Unknown → none, never a guess.

use crate::country::{Country, australian_state};
use crate::fold::words;
use base::Zone;

/// The zone of a place, if country and state (or a well-known city) decide it.
///
/// A state that lies in two zones gets the one in which most of its people live.
/// With no country, only an Australian state's or a known city's unambiguous name decides.
pub fn of(country: Option<Country>, state: Option<&str>, city: Option<&str>) -> Option<Zone> {
    let (state, city) = (state.unwrap_or_default(), city.unwrap_or_default());
    let name = match country {
        None => australian(state, city),
        Some(country) => match country.code() {
            "AU" => australian(state, city),
            "US" => american(&words(state), &words(city)),
            "CA" => canadian(&words(state), &words(city)),
            "BR" | "MX" | "ID" | "RU" => other_city(&words(city)),
            _ => country.only_zone(),
        },
    }?;
    Zone::named(name).ok()
}

fn australian(state: &str, city: &str) -> Option<&'static str> {
    let city = words(city);
    if city == "broken hill" {
        return Some("Australia/Broken_Hill");
    }
    if city == "lord howe island" {
        return Some("Australia/Lord_Howe");
    }
    if let Some(state) = australian_state(state) {
        return Some(match state {
            "NSW" | "ACT" => "Australia/Sydney",
            "VIC" => "Australia/Melbourne",
            "QLD" => "Australia/Brisbane",
            "SA" => "Australia/Adelaide",
            "WA" => "Australia/Perth",
            "TAS" => "Australia/Hobart",
            "NT" => "Australia/Darwin",
            _ => return None,
        });
    }
    Some(match city.as_str() {
        "sydney" | "canberra" | "wollongong" | "parramatta" => "Australia/Sydney",
        "melbourne" | "geelong" | "ballarat" | "bendigo" => "Australia/Melbourne",
        "brisbane" | "gold coast" | "cairns" | "townsville" | "sunshine coast" | "toowoomba" => {
            "Australia/Brisbane"
        }
        "adelaide" => "Australia/Adelaide",
        "perth" | "fremantle" => "Australia/Perth",
        "hobart" | "launceston" => "Australia/Hobart",
        "darwin" | "alice springs" => "Australia/Darwin",
        _ => return None,
    })
}

fn american(state: &str, city: &str) -> Option<&'static str> {
    match city {
        "el paso" => return Some("America/Denver"),
        "pensacola" => return Some("America/Chicago"),
        _ => {}
    }
    Some(match state {
        "ct"
        | "connecticut"
        | "de"
        | "delaware"
        | "dc"
        | "district of columbia"
        | "fl"
        | "florida"
        | "ga"
        | "georgia"
        | "ky"
        | "kentucky"
        | "me"
        | "maine"
        | "md"
        | "maryland"
        | "ma"
        | "massachusetts"
        | "nh"
        | "new hampshire"
        | "nj"
        | "new jersey"
        | "ny"
        | "new york"
        | "nc"
        | "north carolina"
        | "oh"
        | "ohio"
        | "pa"
        | "pennsylvania"
        | "ri"
        | "rhode island"
        | "sc"
        | "south carolina"
        | "vt"
        | "vermont"
        | "va"
        | "virginia"
        | "wv"
        | "west virginia" => "America/New_York",
        "mi" | "michigan" => "America/Detroit",
        "in" | "indiana" => "America/Indiana/Indianapolis",
        "al" | "alabama" | "ar" | "arkansas" | "il" | "illinois" | "ia" | "iowa" | "ks" | "kansas" | "la"
        | "louisiana" | "mn" | "minnesota" | "ms" | "mississippi" | "mo" | "missouri" | "ne" | "nebraska"
        | "nd" | "north dakota" | "ok" | "oklahoma" | "sd" | "south dakota" | "tn" | "tennessee" | "tx"
        | "texas" | "wi" | "wisconsin" => "America/Chicago",
        "co" | "colorado" | "mt" | "montana" | "nm" | "new mexico" | "ut" | "utah" | "wy" | "wyoming" => {
            "America/Denver"
        }
        "id" | "idaho" => "America/Boise",
        "az" | "arizona" => "America/Phoenix",
        "ca" | "california" | "nv" | "nevada" | "or" | "oregon" | "wa" | "washington" => {
            "America/Los_Angeles"
        }
        "ak" | "alaska" => "America/Anchorage",
        "hi" | "hawaii" => "Pacific/Honolulu",
        _ => {
            return match city {
                "new york" | "new york city" | "nyc" | "boston" | "philadelphia" | "atlanta" | "miami"
                | "washington dc" => Some("America/New_York"),
                "chicago" | "houston" | "dallas" | "austin" | "minneapolis" => Some("America/Chicago"),
                "denver" | "salt lake city" => Some("America/Denver"),
                "phoenix" => Some("America/Phoenix"),
                "los angeles" | "san francisco" | "seattle" | "san diego" | "las vegas" => {
                    Some("America/Los_Angeles")
                }
                _ => None,
            };
        }
    })
}

fn canadian(state: &str, city: &str) -> Option<&'static str> {
    Some(match state {
        "on" | "ontario" | "qc" | "quebec" => "America/Toronto",
        "ns" | "nova scotia" | "pe" | "prince edward island" => "America/Halifax",
        "nb" | "new brunswick" => "America/Moncton",
        "nl" | "newfoundland" | "newfoundland and labrador" => "America/St_Johns",
        "mb" | "manitoba" => "America/Winnipeg",
        "sk" | "saskatchewan" => "America/Regina",
        "ab" | "alberta" => "America/Edmonton",
        "bc" | "british columbia" => "America/Vancouver",
        "yt" | "yukon" => "America/Whitehorse",
        _ => {
            return match city {
                "toronto" | "montreal" | "ottawa" | "quebec city" => Some("America/Toronto"),
                "vancouver" | "victoria" => Some("America/Vancouver"),
                "calgary" | "edmonton" => Some("America/Edmonton"),
                "winnipeg" => Some("America/Winnipeg"),
                "halifax" => Some("America/Halifax"),
                _ => None,
            };
        }
    })
}

fn other_city(city: &str) -> Option<&'static str> {
    Some(match city {
        "sao paulo" | "rio de janeiro" | "brasilia" | "belo horizonte" | "curitiba" => "America/Sao_Paulo",
        "manaus" => "America/Manaus",
        "mexico city" | "ciudad de mexico" | "guadalajara" => "America/Mexico_City",
        "monterrey" => "America/Monterrey",
        "tijuana" => "America/Tijuana",
        "jakarta" | "bandung" => "Asia/Jakarta",
        "denpasar" | "bali" => "Asia/Makassar",
        "moscow" | "saint petersburg" => "Europe/Moscow",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(country: &str, state: &str, city: &str) -> Option<String> {
        of(Country::parse(country), Some(state), Some(city)).map(|zone| zone.name().to_owned())
    }

    #[test]
    fn australian_states_have_their_own_zones() {
        for (state, expected) in [
            ("NSW", "Australia/Sydney"),
            ("Victoria", "Australia/Melbourne"),
            ("qld", "Australia/Brisbane"),
            ("SA", "Australia/Adelaide"),
            ("Western Australia", "Australia/Perth"),
            ("TAS", "Australia/Hobart"),
            ("ACT", "Australia/Sydney"),
            ("NT", "Australia/Darwin"),
        ] {
            assert_eq!(zone("AU", state, "").as_deref(), Some(expected), "{state}");
        }
        assert_eq!(zone("AU", "NSW", "Broken Hill").as_deref(), Some("Australia/Broken_Hill"));
        assert_eq!(zone("AU", "", "Gold Coast").as_deref(), Some("Australia/Brisbane"));
    }

    #[test]
    fn other_countries_by_their_only_zone_or_their_state() {
        assert_eq!(zone("GB", "", "").as_deref(), Some("Europe/London"));
        assert_eq!(zone("NZ", "", "").as_deref(), Some("Pacific/Auckland"));
        assert_eq!(zone("US", "WA", "").as_deref(), Some("America/Los_Angeles"));
        assert_eq!(zone("US", "TX", "El Paso").as_deref(), Some("America/Denver"));
        assert_eq!(zone("CA", "BC", "").as_deref(), Some("America/Vancouver"));
    }

    #[test]
    fn what_does_not_decide_gives_none() {
        assert_eq!(zone("US", "", ""), None);
        assert_eq!(zone("AU", "", ""), None);
        assert_eq!(zone("", "", "Springfield"), None);
    }

    #[test]
    fn every_zone_of_the_country_table_exists() {
        for line in include_str!("countries.txt").lines().filter(|line| !line.starts_with('#')) {
            let zone = line.rsplit('|').next().unwrap_or_default();
            assert!(zone.is_empty() || Zone::named(zone).is_ok(), "{line}");
        }
    }
}

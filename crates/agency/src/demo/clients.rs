//! The three clients of the demonstration.

/// One client and what it offers.
pub struct Client {
    /// The organisation's name.
    pub name: &'static str,
    /// The member who runs it.
    pub owner: (&'static str, &'static str),
    /// Its website.
    pub website: &'static str,
    /// The last part of its booking page's address.
    pub slug: &'static str,
    /// Its zone.
    pub zone: &'static str,
    /// Printed in every message.
    pub legal_name: &'static str,
    /// Printed in every message.
    pub postal_address: &'static str,
    /// What it sells, in its own words.
    pub offer: &'static str,
    /// The campaign's name and goal.
    pub campaign: (&'static str, &'static str),
    /// The domain of its mailboxes, in use for a while.
    pub domain: &'static str,
    /// Senders: name and local part.
    pub senders: [(&'static str, &'static str); 2],
    /// Days that the domain had been in use when the demonstration begins.
    pub domain_age_days: i64,
    /// How many prospects its list has.
    pub leads: usize,
    /// The trades it goes for, as indexes of [`super::people::TRADES`].
    pub trades: &'static [usize],
    /// Approves drafts itself, or lets the agents act.
    pub autopilot: bool,
    /// How its market answers: positive replies per thousand first messages to a hot lead.
    pub appeal: i64,
}

/// The clients.
pub const CLIENTS: [Client; 3] = [
    Client {
        name: "Northlane Marketing",
        owner: ("Ana Ferreira", "ana@northlane.example"),
        website: "https://northlane.example",
        slug: "northlane",
        zone: "Australia/Sydney",
        legal_name: "Northlane Marketing Pty Ltd",
        postal_address: "12 Kent Street, Sydney NSW 2000",
        offer: "We run local search and booking campaigns for clinics and studios, and report on booked appointments rather than clicks.",
        campaign: ("Clinics, first contact", "Book a 20-minute call about filling quiet hours"),
        domain: "mail.northlane.example",
        senders: [("Ana Ferreira", "ana"), ("Rob Tran", "rob")],
        domain_age_days: 60,
        leads: 900,
        trades: &[0, 1],
        autopilot: false,
        appeal: 90,
    },
    Client {
        name: "Beacon Websites",
        owner: ("Declan Moore", "declan@beacon.example"),
        website: "https://beacon.example",
        slug: "beacon",
        zone: "Australia/Melbourne",
        legal_name: "Beacon Websites Pty Ltd",
        postal_address: "5/220 Collins Street, Melbourne VIC 3000",
        offer: "We rebuild slow websites for law and accounting firms and keep them fast, with a fixed monthly price.",
        campaign: ("Firms with slow sites", "Offer a free speed report and a call"),
        domain: "hello.beacon.example",
        senders: [("Declan Moore", "declan"), ("Ivy Zhang", "ivy")],
        domain_age_days: 30,
        leads: 650,
        trades: &[2, 7, 3],
        autopilot: true,
        appeal: 60,
    },
    Client {
        name: "Fieldnote Content",
        owner: ("Sunita Rao", "sunita@fieldnote.example"),
        website: "https://fieldnote.example",
        slug: "fieldnote",
        zone: "Australia/Brisbane",
        legal_name: "Fieldnote Content Pty Ltd",
        postal_address: "88 Adelaide Street, Brisbane QLD 4000",
        offer: "We interview your people and turn what they know into two articles a month.",
        campaign: ("Software and building firms", "Start a conversation about a content plan"),
        domain: "post.fieldnote.example",
        senders: [("Sunita Rao", "sunita"), ("Mick Hanley", "mick")],
        domain_age_days: 10,
        leads: 450,
        trades: &[4, 5, 6],
        autopilot: false,
        appeal: 75,
    },
];

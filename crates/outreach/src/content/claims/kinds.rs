//! Kinds of claims with the phrases that make them.

use super::Kind;

/// A kind with its phrases.
pub(super) struct Family {
    pub(super) kind: Kind,
    /// Whether any phrase of the family in a fact carries every other one of it.
    pub(super) alike: bool,
    pub(super) phrases: &'static [&'static str],
}

/// All of them.
#[rustfmt::skip]
pub(super) const FAMILIES: [Family; 6] = [
    Family { kind: Kind::Proof, alike: false, phrases: &[
        "a client", "a peer of", "another client", "another firm", "best in", "brands like", "boost", "boosts",
        "boosted", "businesses like", "businesses such as", "businesses that", "case studies", "case study",
        "cheaper", "clients include", "clients like", "climb", "climbed", "companies like", "companies similar",
        "companies such as", "customers include", "customers like", "customers such as", "customers tell",
        "decreased", "double your", "doubled", "every client", "every single client", "everybody", "fastest",
        "favourite", "generate", "generated", "grow faster", "guarantee", "guaranteed", "guarantees", "helped",
        "in your position", "increase", "increased", "increases", "industry leader", "industry-leading",
        "largest", "leader", "leading", "lifted", "like yours", "market leader", "much like you", "no other",
        "nobody else", "number one", "on average", "one client", "one owner", "others in your", "our clients",
        "our customers", "outperform", "paid for itself", "pays for itself", "peers", "people like you",
        "people in your", "premier", "proven", "quick wins", "reduced", "results", "saves", "saved", "save you",
        "saving", "savings", "similar businesses", "similar companies", "similar to you", "similar to yours",
        "success", "success stories", "success story", "teams like", "testimonials", "the best", "the biggest",
        "the only", "the top", "top of", "track record", "trusted by", "turned around", "typically see",
        "usually save", "we did the same", "we've helped", "we've worked with", "we work with", "well known",
        "wonders", "worked wonders",
    ] },
    Family { kind: Kind::Award, alike: true, phrases: &[
        "accredited", "accreditation", "award", "award-winning", "awarded", "awards", "came first", "certificate",
        "certified", "decorated", "featured in", "finalist", "five stars", "honoured", "innovation challenge",
        "iso", "medal", "named as", "nominated", "patented", "prize", "ranked", "rate us", "rated", "recognised",
        "recognized", "shortlisted", "stars", "trophies", "trophy", "voted", "was named", "were named", "winner",
        "winning", "we won", "you won",
    ] },
    Family { kind: Kind::Funding, alike: true, phrases: &[
        "acquired", "acquisition", "backed by", "bought out", "equity", "funded", "funding", "grant", "invested",
        "investment", "investor", "investors", "ipo", "merger", "merged", "parent company", "profit", "profits",
        "raised", "revenue", "seed round", "series", "stake", "turnover", "valuation", "venture", "went public",
    ] },
    Family { kind: Kind::Acquaintance, alike: false, phrases: &[
        "as agreed", "as discussed", "as promised", "as you know", "both know", "both studied", "bumped into",
        "catching up", "connections", "enjoyed our", "following your", "former employee", "friend of",
        "gave me your", "give me your", "good to see you", "great meeting", "great to meet", "have been a customer",
        "i attended", "i bought", "i called", "i enjoyed", "i tried", "i used", "i visited", "i was a", "i was at",
        "in common", "introduced", "introduction", "in touch with your", "know each other", "lovely to meet",
        "meet you at", "mentioned you", "mentioned your", "met at", "mutual", "nice meeting", "nice to meet",
        "on behalf of", "our call", "our chat", "our conversation", "our last", "our meeting", "our talk",
        "per your request", "pointed me", "ran into", "recommended", "referred", "signed up", "speaks highly",
        "spoke at", "suggested", "thinks highly", "told me", "we chatted", "we connected", "we discussed", "we met",
        "we spoke", "we talked", "you asked", "you contacted", "you downloaded", "you enquired", "you left",
        "you mentioned", "you requested", "you said", "you told", "your chairman", "your colleague",
        "your presentation", "your suppliers", "your talk", "your network",
    ] },
    Family { kind: Kind::Date, alike: false, phrases: &[
        "a while back", "ago", "anniversary", "at the end of the year", "autumn", "decade", "decades", "ends soon",
        "for years", "last month", "last quarter", "last week", "last year", "next month the", "over the summer",
        "recently", "spring", "this morning", "this spring", "years", "yesterday",
    ] },
    Family { kind: Kind::Urgency, alike: false, phrases: &[
        "act before", "act now", "before it is too late", "before it's too late", "before your competitors",
        "closes", "deadline", "do not miss", "don't miss", "ends soon", "ends today", "expires", "filling up",
        "final chance", "final reminder", "go up soon", "hold a spot", "hurry", "last chance", "limited spots",
        "limited time", "need your answer", "only a few", "only a handful", "spots left", "this week only", "today only",
        "urgent", "valid until", "while it lasts",
    ] },
];

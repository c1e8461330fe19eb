//! The vocabulary of job titles: folded, lower-case words and what they mean for seniority.

/// A word that can make a role.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// CEO and its equivalents.
    Ceo,
    /// Founder, proprietor.
    Founder,
    /// Owner, unless of a product or process.
    Owner,
    /// "Chief", to be read with what follows.
    Chief,
    /// An abbreviated chief officer (CFO).
    Officer,
    /// President, unless vice.
    President,
    /// Chair of a board, unless vice.
    Chair,
    /// Vice president, any grade.
    Vp,
    /// Partner in a firm.
    Partner,
    /// Director of anything.
    Director,
    /// Head of anything.
    Head,
    /// Manager.
    Manager,
    /// Lead or leader.
    Lead,
}

/// The meaning of a word, if it has one.
pub(super) fn word(word: &str) -> Option<Word> {
    Some(match word {
        "ceo"
        | "pdg"
        | "geschaftsfuhrer"
        | "geschaeftsfuehrer"
        | "geschaftsfuhrerin"
        | "geschaeftsfuehrerin" => Word::Ceo,
        "founder" | "cofounder" | "proprietor" | "proprietress" | "franchisee" | "selfemployed"
        | "fondateur" | "fondatrice" | "cofondateur" | "fundador" | "fundadora" | "cofundador"
        | "cofundadora" | "grunder" | "gruender" | "grunderin" | "mitgrunder" | "inhaber" | "inhaberin"
        | "eigenaar" | "oprichter" | "gerant" | "gerante" | "dueno" | "duena" | "propietario"
        | "propietaria" | "proprietaire" | "titolare" | "fondatore" => Word::Founder,
        "owner" => Word::Owner,
        "chief" => Word::Chief,
        "coo" | "cfo" | "cto" | "cmo" | "cio" | "cro" | "chro" | "cpo" | "cso" | "cco" | "cdo" | "cao"
        | "clo" | "cxo" | "ciso" | "cko" | "cbo" | "cgo" | "cpto" | "ctpo" | "cino" | "csuite"
        | "vorstand" => Word::Officer,
        "president" | "presidente" => Word::President,
        "chair" | "chairman" | "chairwoman" | "chairperson" => Word::Chair,
        "vp" | "svp" | "evp" | "avp" | "rvp" | "gvp" | "vicepresident" | "vicepresidente" => Word::Vp,
        "partner" => Word::Partner,
        "director" | "dir" | "directors" | "directeur" | "directrice" | "direktor" | "direktorin"
        | "direttore" | "directora" | "diretor" | "diretora" | "leiter" | "leiterin" | "abteilungsleiter"
        | "vertriebsleiter" | "marketingleiter" => Word::Director,
        "head" => Word::Head,
        "manager" | "mgr" | "mngr" | "manageress" | "gerente" => Word::Manager,
        "lead" | "leader" | "teamlead" | "teamleader" | "teamleiter" | "projektleiter" | "responsable" => {
            Word::Lead
        }
        _ => return None,
    })
}

/// Cells that mean "no title".
pub(super) const PLACEHOLDERS: &[&str] =
    &["n/a", "na", "none", "null", "nil", "unknown", "not available", "tbc", "tbd", "undefined", "nan"];

/// Titles written in other scripts that mean owner, founder or CEO.
pub(super) const OTHER_SCRIPTS: &[&str] =
    &["代表取締役", "社長", "创始人", "創辦人", "首席执行官", "генеральный директор"];

/// A bracket or clause that says that the role before it is over.
pub(super) const FORMER: &[&str] = &["former", "formerly", "ex", "retired", "previously", "previous", "past"];

/// First words of a role that is not held now.
pub(super) const NOT_NOW: &[&str] = &[
    "former",
    "formerly",
    "ex",
    "retired",
    "previously",
    "previous",
    "past",
    "onetime",
    "aspiring",
    "future",
    "wannabe",
];

/// Words that end the role and begin its field.
pub(super) const PREPOSITIONS: &[&str] = &[
    "of", "for", "in", "at", "to", "with", "on", "by", "from", "under", "de", "du", "des", "der", "fur",
    "del", "da", "do", "di", "pour", "the",
];

/// A role of somebody who stands beside or below the named one.
pub(super) const DEPUTIES: &[&str] = &["deputy", "dep", "vice", "assistant", "asst", "associate"];

/// Things whose "owner" runs no business.
pub(super) const OWNED_THINGS: &[&str] = &[
    "product",
    "process",
    "risk",
    "service",
    "data",
    "platform",
    "system",
    "systems",
    "feature",
    "content",
    "category",
    "control",
    "solution",
    "backlog",
    "journey",
    "asset",
    "application",
    "app",
    "project",
    "policy",
    "budget",
    "api",
    "domain",
    "epic",
    "home",
    "dog",
    "cat",
    "pet",
    "car",
    "boat",
];

/// Words that make the person a helper of the role named before them.
pub(super) const SERVANTS: &[&str] = &[
    "assistant",
    "asst",
    "ea",
    "pa",
    "secretary",
    "intern",
    "internship",
    "coordinator",
    "receptionist",
    "associate",
    "support",
    "liaison",
    "recruiter",
    "recruitment",
    "office",
    "specialist",
    "analyst",
    "aide",
];

/// Words between an owner and a manager that are only grades: "Founder General Manager".
pub(super) const GRADES: &[&str] = &["general", "managing", "senior", "sr", "executive"];

/// What follows "head" in the title of a skilled worker rather than of a unit's head.
pub(super) const HEAD_TRADES: &[&str] = &[
    "chef",
    "coach",
    "waiter",
    "nurse",
    "barista",
    "gardener",
    "brewer",
    "trainer",
    "stylist",
    "baker",
    "groundskeeper",
];

/// What follows "lead" where a lead is a prospect.
pub(super) const LEAD_THINGS: &[&str] = &[
    "generation",
    "gen",
    "qualification",
    "nurturing",
    "capture",
    "acquisition",
    "conversion",
    "research",
    "time",
];

/// What "senior" describes when it means older people.
pub(super) const SENIOR_THINGS: &[&str] = &["living", "care", "citizen", "citizens", "services", "housing"];

/// What follows "student" or "intern" in the title of somebody who works with them.
pub(super) const STUDENT_TRADES: &[&str] = &[
    "success",
    "services",
    "recruitment",
    "affairs",
    "experience",
    "support",
    "advisor",
    "adviser",
    "engagement",
    "accommodation",
    "counsellor",
    "counselor",
    "wellbeing",
    "housing",
    "life",
    "relations",
    "admissions",
    "program",
    "programme",
];

/// Functions that follow "Chief" without the word "Officer".
pub(super) const CHIEF_FUNCTIONS: &[&str] = &[
    "marketing",
    "financial",
    "finance",
    "operating",
    "operations",
    "operational",
    "technology",
    "technical",
    "information",
    "revenue",
    "people",
    "product",
    "commercial",
    "growth",
    "data",
    "security",
    "strategy",
    "customer",
    "digital",
    "legal",
    "creative",
    "brand",
    "medical",
    "sales",
    "compliance",
    "risk",
    "innovation",
    "experience",
    "sustainability",
    "administrative",
    "human",
    "hr",
    "communications",
    "investment",
    "business",
    "ai",
    "procurement",
    "talent",
    "happiness",
    "culture",
];

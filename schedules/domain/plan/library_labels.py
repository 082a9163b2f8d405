"""The words of the shipped protocols and the holidays of China, marked for translation.

A protocol of one's own is shown in its own words wherever they differ from these.
"""

from trials.domain.words import mark as _

LABELS = (
    _("Screening"),
    _("Lymphodepletion"),
    _("Rest"),
    _("Infusion"),
    _("Follow-up"),
    _("Consent"),
    _("Enrolment"),
    _("Start of lymphodepletion"),
    _("start of lymphodepletion"),  # inside a sentence (`treatment_names.in_sentence`)
    _("Chemotherapy"),
    _("Day 14"),
    _("Day 28"),
    _("Month 3"),
    _("Month 6"),
    _("Month 9"),
    _("Month 12"),
    _("Month 18"),
    _("Month 24"),
    _("Of childbearing potential"),
    _("Has a partner of childbearing potential"),
    _("Receives lymphodepletion"),
    _("Stay in hospital for 7 days"),
    _("Stay within 2 hours of the site for 28 days"),
    _("Observation for dose-limiting toxicity"),
    _("Rest and observation"),
    _("Infusion and primary observation"),
    _("Day 4"),
    _("Day 7"),
    _("Day 10"),
    _("Day 21"),
    _("Week 8"),
    _("Week 12"),
    _("Week 24"),
    _("Week 36"),
    _("Week 52"),
    _("Eligibility check"),
    _("Serum hCG"),
    _("Blood count"),
    _("FC regimen"),
    _("Procedures and examinations"),
    _("CAR-T infusion"),
    _("Safety"),
    _("Efficacy"),
    _("Safety in follow-up"),
    _("Serum hCG negative within 7 days before enrolment"),
    _("No colony-stimulating factor within 2 weeks before the blood count"),
    _("No immunosuppressant for five half-lives before enrolment"),
    _("No biologic for five half-lives before enrolment"),
    _("No other trial for 3 months before enrolment"),
    _("No malignancy within the last five years"),
    _("Conventional treatment has failed for more than 6 months"),
    _("Contraception or abstinence"),
    _("Not yet of age"),
    _("Contraception in the first year after infusion"),
    _("Treated with high-dose glucocorticoids for at least 3 months"),
    _("No CNS lupus needing intervention within 60 days"),
    _("No renal replacement within 3 months before infusion"),
    _("No infection needing systemic treatment within 3 months before screening"),
    _("No organ or stem-cell transplant within 3 months before screening"),
    _("No GVHD of grade 2 or more within 2 weeks before screening"),
    _("No macrophage activation syndrome within 1 month before screening"),
    _("No live vaccine within 4 weeks before screening"),
    _("No other study within 3 months before screening"),
    _("Consent again on coming of age"),
    _("Neutrophil count"),
    _("Fludarabine plus cyclophosphamide"),
    _("UCAR-T infusion"),
    _("Adverse events"),
    _("CAR-T cell levels"),
    _("Observation for adverse events"),
    _("The previous participant's observation for dose-limiting toxicity has ended"),
    _("No colony-stimulating factor within 2 weeks before the neutrophil count"),
    _("No biologic for 4 weeks before enrolment"),
    _("No malignancy within the past 5 years"),
    _("Two or more conventional treatments have failed for at least 3 months"),
    _("Cell collection"),
    _("Day 90"),
    _("AUC28d and AUC90d"),
    _("SRI-4"),
    _("Pharmacokinetics"),
    _("Pharmacodynamics"),
    _("SLEDAI-2K"),
    _("PGA"),
    _("BILAG-2004"),
    _("LLDAS"),
    _("DORIS"),
    _("Anti-dsDNA"),
    _("24 h urine protein"),
    _("C3"),
    _("C4"),
    _("Contraception"),
    _("Treated with high-dose glucocorticoids and others for at least 3 months"),
    _("No CNS lupus needing intervention within 30 days"),
    _("No myocardial infarction within 6 months before screening"),
    _("No stem-cell transplant within 3 months before screening"),
    _("Free of malignancy and untreated for more than 5 years"),
    _("Serum β-hCG"),
    _("Echocardiography (LVEF)"),
    _("Serum β-hCG negative at screening"),
    _("Serum β-hCG negative within 48 hours before chemotherapy"),
    _("Highly effective contraception"),
    _("Barrier contraception by the male partner"),
    _("No egg donation for 1 year"),
    _("No sperm donation during the entire study"),
    _("LVEF at least 50% by echocardiography within 8 weeks before screening"),
    _("No systemic active infection within 2 weeks before screening"),
    _("SLE for at least 6 months"),
    _("Treated for at least 3 months before screening"),
    _("Stable dose for at least 2 weeks"),
    _("No severe lupus nephritis within 2 months"),
    _("No plasma exchange, plasma separation or dialysis within 30 days"),
    _("No lupus crisis within 30 days"),
    _("No bleeding of grade 2 or more within 30 days before screening"),
    _("None of the listed cardiovascular diseases within 30 days before screening"),
    _("No B-cell drug within 3 months before screening"),
    _("No T-cell immunosuppressant within 2 weeks before infusion"),
    _("No JAK inhibitor within 2 weeks before infusion"),
    _("Steroids within 2 weeks before infusion checked by the investigator"),
    _("No vaccine within 1 month before screening"),
    _("No malignancy within 2 years before consent"),
    _("No major surgery from 4 weeks before consent on"),
    _("No other trial for 3 months or 5 half-lives"),
    _("No suicidal thoughts within 6 months"),
    _("No suicidal behaviour within 12 months"),
)
"""What epochs, anchors, visits, traits, activities and windows are called in `trials/library`."""

CODES = (
    _("adverse events"),
    _("b-cell-drug"),
    _("barrier contraception"),
    _("biologic"),
    _("bleeding-grade-2-or-more"),
    _("blood-count"),
    _("cardiovascular-disease"),
    _("cns-lupus"),
    _("collection"),
    _("colony-stimulating-factor"),
    _("conditioning"),
    _("consent"),
    _("consent-again"),
    _("contraception"),
    _("conventional treatment without success"),
    _("dialysis"),
    _("dose-limiting toxicity"),
    _("echocardiography"),
    _("enrolment"),
    _("gvhd-grade-2-or-more"),
    _("hcg"),
    _("history of SLE"),
    _("immunosuppressant"),
    _("inactivated-vaccine"),
    _("infection"),
    _("infusion"),
    _("investigational-product"),
    _("jak-inhibitor"),
    _("live-vaccine"),
    _("lupus-crisis"),
    _("LVEF at least 50%"),
    _("lymphodepletion-start"),
    _("macrophage-activation-syndrome"),
    _("major-surgery"),
    _("malignancy"),
    _("malignancy-treatment"),
    _("myocardial-infarction"),
    _("negative"),
    _("no egg donation"),
    _("no sperm donation"),
    _("organ-transplant"),
    _("other-trial"),
    _("plasma-exchange"),
    _("plasma-separation"),
    _("renal-replacement"),
    _("rest"),
    _("rna-vaccine"),
    _("screening"),
    _("severe-lupus-nephritis"),
    _("stable dose of the treatment of SLE"),
    _("stem-cell-transplant"),
    _("steroid check by the investigator"),
    _("suicidal-behaviour"),
    _("suicidal-thoughts"),
    _("t-cell-immunosuppressant"),
    _("treatment of SLE"),
    _("treatment with high-dose glucocorticoids"),
    _("treatment with high-dose glucocorticoids and others"),
    _("two or more conventional treatments without success"),
)
"""By what the windows of `trials/library` name substances, tests, conducts, events, visits and anchors."""

HOLIDAYS = (
    _("New Year's Day"),
    _("Spring Festival"),
    _("Tomb-sweeping Day"),
    _("Labour Day"),
    _("Dragon Boat Festival"),
    _("Mid-autumn Festival"),
    _("National Day"),
    _("New Year's Day, observed"),
    _("Spring Festival, observed"),
    _("Tomb-sweeping Day, observed"),
    _("Labour Day, observed"),
    _("Dragon Boat Festival, observed"),
    _("Mid-autumn Festival, observed"),
    _("National Day, observed"),
)
"""What `chinesecalendar` calls the public holidays of China; `holidays` knows days given in their place."""

TEXTS = (
    _("'at least 28 days'; that leaving on D29 keeps it is assumed"),
    _(
        "'at least 6 months during and after study treatment' is ambiguous: read as during it, and to 6 "
        "months after the infusion"
    ),
    _("'at least 7 days post-infusion'; that a discharge at any hour of D7 keeps it is assumed"),
    _("'at screening' is read as at any time in the screening period"),
    _(
        "'during the study treatment period': from the start of lymphodepletion or the infusion, "
        "whichever is first"
    ),
    _(
        "'their male partners' is ambiguous: applied to women of childbearing potential and to men with "
        "a partner who is"
    ),
    _("1 year is stated; after what is not: counted from the infusion"),
    _("12 months are stated; from when is not: counted from enrolment"),
    _("2 months are stated; from when is not: counted from enrolment"),
    _(
        "3 months or 5 half-lives are stated, not which of them nor from when: the longer, counted from "
        "enrolment"
    ),
    _("30 days are stated; from when is not: counted from enrolment"),
    _("5 years are stated; from when is not: counted from enrolment"),
    _("6 months are stated; from when is not: counted from enrolment"),
    _("60 days are stated; from when is not: counted from enrolment"),
    _(
        "A dose escalation; its levels, and what must pass before the next participant or level, are "
        "not in the copy read."
    ),
    _("Age 18 or over."),
    _("Age 18 to 65 when signing the consent."),
    _("Age 18 to 65."),
    _("Age 18 to 75, both included."),
    _("Age 5 or over. Guardians consent for minors."),
    _("Allogeneic UCB-derived CAR-T for SLE"),
    _(
        "At which visit a condition is confirmed is not said (assumed: at screening, the steroid check "
        "on the day of infusion)."
    ),
    _("At which visit the conditions before enrolment are confirmed is not said (assumed: at screening)."),
    _(
        "By item 1 a screening result has expired when the infusion comes later than 28 days after it; "
        "which examinations must be repeated is not said (assumed: those done at screening)."
    ),
    _("CD19 CAR-T in relapsed or refractory autoimmune disease"),
    _("CT1195E universal CD19/CD20 CAR-T in SLE"),
    _("Cells are made in about 10 minutes; that they are collected on the day of infusion is assumed."),
    _("Confirm against your protocol: every timing, tolerance, window and gate of this template is assumed."),
    _(
        "DORIS, SELENA-SLEDAI, SRI-4, LLDAS, BILAG-2004 and PGA run to 2 years after infusion; the "
        "visits are not named"
    ),
    _("Earlier CAR-T treatment excludes, at any time; the investigator may waive it. No window carries it."),
    _(
        "Early phase 1, single group, open; 48 participants; started 2025-03-26, primary completion "
        "2035-12-31, completion 2037-12-31. Data monitoring committee."
    ),
    _("Early phase 1; 12 participants; 2026-01-16 to 2027-12-31."),
    _(
        "Indications: systemic lupus erythematosus, diffuse systemic sclerosis, inflammatory myopathy, "
        "immune thrombocytopenia."
    ),
    _("Interventional, single group, open, single centre; 3 participants; 2025-10-31 to 2027-12-31."),
    _(
        "Kidney disease likely within 3 months of the study excludes as well: it looks ahead, for the "
        "investigator to judge, and no window carries it."
    ),
    _("PBC092 ultra-fast autologous CD19 CAR-T in adults with SLE"),
    _("Phase 1, recruiting. The number of participants and the planned end are not in the copy read."),
    _(
        "Phase 1, single group, open, single centre; 18 participants in three dose groups, how many in "
        "each is not said. Data monitoring committee."
    ),
    _(
        "Severe lupus nephritis needing dialysis, or prednisone of at least 100 mg a day for at least "
        "14 days, counts for the 2 months of nephritis-free."
    ),
    _(
        "Sites: Yancheng Third People's Hospital (recruiting); The General Hospital of Western Theater "
        "Command, Chengdu (not yet recruiting)."
    ),
    _(
        "Starts 2026-01 and primary completion 2026-07 (months only). Completion 2028-08 (month only): "
        "planned_end takes the last day of that month (assumed)."
    ),
    _(
        "Steroids within 2 weeks before infusion: the wording is unclear, so the document asks for a "
        "check and forbids nothing."
    ),
    _("Template for a CAR-T trial in SLE"),
    _(
        "The area under the curve of CAR-T cells is an outcome to 2 months after infusion; no visit of "
        "the record lies there."
    ),
    _(
        "The copy counts the women's contraception from at least 28 days before 'self-cleaning'; this "
        "is read as lymphodepletion."
    ),
    _(
        "The copy read has no detailed description and no outcomes, and its organ criteria are cut: "
        "visits, tolerances, hospital stay and observation periods are not in it."
    ),
    _("The infusion follows the lymphodepletion at an interval of 2 days: the two days of rest."),
    _(
        "The record asks contraception of women of childbearing potential and of men whose partners "
        "are; here it is shown for everybody."
    ),
    _("The zone is that of the site; change it where the site is elsewhere."),
    _(
        "Tolerances are not in the copy read; all of them are assumed, by the ladder of the shipped "
        "protocols."
    ),
    _("Tolerances are not in the record; all of them are assumed, by the ladder of the shipped protocols."),
    _("Tolerances follow the ladder of the shipped protocols."),
    _("Ultra-fast CD19 CAR-T in SLE from 5 years of age"),
    _(
        "What must pass before the next participant or the next dose level is not in the copy read: no "
        "gate is set."
    ),
    _(
        "Which dose level is the optimal biological dose is one of the questions; the levels themselves "
        "are not in the record."
    ),
    _("Whoever has no lymphodepletion has neither chemotherapy nor rest; all else stays the same."),
    _("adverse events up to 2 months after the injection (primary outcome)"),
    _("adverse events within 3 months after the infusion (detailed description)"),
    _("at least 2 weeks are stated; read as before screening, like the treatment itself"),
    _("at least 28 days are stated; the copy counts from 'self-cleaning', read as lymphodepletion"),
    _("at least 3 months are stated; from when is not: counted from enrolment"),
    _("at least 6 months after the end of study treatment are stated; the infusion is read as that end"),
    _("at least 6 months are stated; from when is not: counted from enrolment"),
    _("autologous cells made in about 10 minutes: taken on the day of infusion"),
    _("checked at screening (item 1); what must be repeated once a screening result has expired is not said"),
    _("confirm against your protocol"),
    _("d90 and m3 stand for outcomes at 90 days and at 3 months; their windows overlap."),
    _("five years are stated; from when is not: counted from enrolment"),
    _("fludarabine plus cyclophosphamide if clinically needed; the days are not in the record"),
    _("from the start of it is stated; the copy counts from 'self-cleaning', read as lymphodepletion"),
    _("from when is not stated: counted to enrolment"),
    _("from when is not stated: no lymphodepletion in the record, so from the infusion"),
    _("from when is not stated: the start of lymphodepletion or the infusion, whichever is first"),
    _("inferred from the outcomes with a time frame of 28 days"),
    _("inferred from the outcomes with a time frame of 3 months"),
    _("inferred from the outcomes with a time frame of 6 months"),
    _("inferred from the outcomes with a time frame of 90 days"),
    _("item 5 follows safety to week 52 without naming the visits"),
    _("ladder, days 11 to 21"),
    _("ladder, days 22 to 28"),
    _("ladder, later visits"),
    _("ladder, to day 10"),
    _("ladder, to week 12, day 90 or month 3"),
    _("lymphodepletion is given only if clinically needed; its days are not in the record"),
    _("lymphodepletion is named in the copy, its days are not; those of the shipped protocols"),
    _("more than 5 years are stated; from when is not: counted from enrolment"),
    _("more than 6 months are stated; from when is not: counted from enrolment"),
    _(
        "negative at screening is stated; what must be repeated once a screening result has expired is "
        "not said"
    ),
    _("nor planned during the study is stated; read as to the last scheduled visit, itself assumed"),
    _("not in the record; the range of the shipped protocols"),
    _("observed to 3 months after infusion; the visits are not named"),
    _("on the day of infusion before, during and after it"),
    _("read as before screening, like the treatment itself"),
    _("said with the contraception of male partners, so applied to the same participants"),
    _("the cells are made in about 10 minutes; the record does not say on which day they are taken"),
    _("the collection is kept exact"),
    _("the drugs are stated, the days are not"),
    _("the entire study is read as from screening on"),
    _("the entire study is read as to the last scheduled visit, itself assumed"),
    _("the infusion is kept exact"),
    _("the infusion, from which days are counted"),
    _("the infusion, from which time frames are counted"),
    _("the last day of the screening period, which is itself assumed"),
    _("the longer, 3 months"),
    _("the outcome 'AUC of CAR-T cells' runs to 2 months after infusion; the visits are not named"),
    _("the outcome says up to 2 months; the longer is taken"),
    _("the outcome's time frame is 28 to 90 days; the visit is inferred from it"),
    _("the outcome's time frame is 3 months; the visit is inferred from it"),
    _("the outcome's time frame is 6 months; the visit is inferred from it"),
    _(
        "the record names the count, not the visit; what must be repeated once a screening result has "
        "expired is not said"
    ),
    _(
        "the record names the test and how old it may be, not the visit; what must be repeated once a "
        "screening result has expired is not said"
    ),
    _("the wording of the record is unclear: read as a check for the investigator"),
    _("until it is set, the last day on which screening may end stands for it"),
    _("until the screening visit is performed, the first day of its range stands for it"),
    _("usual for minors who come of age during follow-up, not in the record"),
    _("usual in the field, not in the record"),
    _("visits are not in the copy read; those of the shipped protocols"),
    _("visits are not in the record; the range of the shipped protocols"),
    _(
        "within the 8 weeks before screening is stated, not at which visit it is looked at; what must "
        "be repeated once a screening result has expired is not said"
    ),
)
"""The titles, notes and reasons of `trials/library` that are written in English alone."""

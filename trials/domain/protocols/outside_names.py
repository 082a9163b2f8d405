"""What a trial is called outside: on calendars, cards, in mails and messages, without its disease."""

from __future__ import annotations

import re

DISEASES = frozenset(  # words in lines are read more easily than a list of seventy
    """
    sle lupus nephritis sjogren sjoegren myositis vasculitis scleroderma ssc aav itp ttp aiha gbs
    cidp nmosd nmo myasthenia mgfa igan arthritis psoriasis crohn colitis uc ibd diabetes sclerosis
    ppms rrms leukaemia leukemia aml cml cll lymphoma dlbcl nhl myeloma mds amyloidosis cancer
    carcinoma tumour tumor melanoma sarcoma glioma glioblastoma gbm neuroblastoma hcc nsclc sclc hiv
    aids hbv hcv hepatitis cirrhosis asthma copd epilepsy dementia alzheimer parkinson als psychosis
    schizophrenia depression autism addiction infertility
    """.split()  # noqa: SIM905
)
"""Words of trial codes that name a disease; written small, as a whole part of the code."""

_CHINESE = ("狼疮", "白血病", "淋巴瘤", "骨髓瘤", "肾炎", "肝炎", "肿瘤", "癌", "糖尿病", "硬化", "关节炎")
_LONG = 5
"""From so many letters on a word also counts inside another one (`lupusnephritis`)."""
_PARTS = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]+")


def names_disease(text: str) -> bool:
    """Say whether a trial's code or name holds a word for a disease (DISEASES)."""
    return any(_is_disease(part) for part in _PARTS.findall(text))


def proposed_outside_name(code: str) -> str:
    """Give a trial's code without the words for its disease: `CART` for CART-SLE.

    Empty where no letter is left of it: then somebody has to give a name.
    """
    if not names_disease(code):
        return code
    kept = "".join("" if _is_disease(part) else part for part in _PARTS.findall(code))
    name = re.sub(r"[-_. ]{2,}", "-", kept).strip("-_. ")
    return name if re.search(r"[A-Za-z]", name) else ""


def _is_disease(part: str) -> bool:
    word = part.lower()
    if any(each in word for each in _CHINESE):
        return True
    return word in DISEASES or any(len(each) >= _LONG and each in word for each in DISEASES)

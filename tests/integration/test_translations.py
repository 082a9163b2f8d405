"""Chinese: nothing of ours is missing, doubtful or out of date, and the compiled file is that of the text."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

from schedules.domain.plan.library_labels import LABELS, TEXTS
from trials.formats.protocols import library

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
SINGLE = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
MARKED = re.compile(r"\b(?:_|\w*gettext\w*)\(")
IN_TEMPLATES = re.compile(r"\b(?:gettext|ngettext|pgettext|npgettext|_)\(")
CONTEXT_END = "\x04"
HINT = "collect it with `make messages` and translate it in locale/zh_Hans/LC_MESSAGES/django.po"


def messages_in(code: str) -> Iterator[str]:
    """What a module marks for translation, a message with a context after that context."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [
            arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        if name in SINGLE and texts:
            yield texts[0]
        elif name in WITH_CONTEXT and len(texts) > 1:
            yield f"{texts[0]}{CONTEXT_END}{texts[1]}"


def messages_in_template(text: str) -> Iterator[str]:
    """What a template marks for translation, by Django's own reading of it."""
    code = templatize(text)
    for call in IN_TEMPLATES.finditer(code):
        for bracket in re.finditer(r"\)", code[call.end() :]):  # one may stand in the text
            with suppress(SyntaxError):
                yield from messages_in(code[call.start() : call.end() + bracket.end()])
                break


@cache
def our_messages() -> dict[str, str]:
    """Every message of ours, with a place where it is used."""
    found = {}
    for app in ("config", "trials", "participants", "schedules"):
        for module in (ROOT / app).rglob("*.py"):
            if "migrations" not in module.parts:
                code = module.read_text(encoding="utf-8")
                if MARKED.search(code):  # taking a module apart takes long
                    found |= dict.fromkeys(messages_in(code), str(module))
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        found |= dict.fromkeys(messages_in_template(text), str(template))
    found.pop("", None)
    return found


def compiled() -> dict[str, str]:
    """The messages of the compiled file with their translations; of plurals, the first form."""
    with (FOLDER / "django.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key[0] if isinstance(key, tuple) else key: text for key, text in catalogue.items() if key}


@cache
def written() -> dict[str, str]:
    """The messages of the text file with their translations, those marked as doubtful left out."""
    found = {}
    for entry in (FOLDER / "django.po").read_text(encoding="utf-8").split("\n\n"):
        parts: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#"):
                continue
            keyword, _, rest = line.partition(" ")
            name, text = (name, line) if line.startswith('"') else (keyword, rest)
            parts[name] = parts.get(name, "") + ast.literal_eval(text)
        text = parts.get("msgstr", parts.get("msgstr[0]", ""))
        if parts.get("msgid") and text and "#, fuzzy" not in entry:
            context = f"{parts['msgctxt']}{CONTEXT_END}" if "msgctxt" in parts else ""
            found[f"{context}{parts['msgid']}"] = text
    return found


def test_every_message_of_ours_has_its_chinese() -> None:
    translated = written()
    missing = {text: place for text, place in our_messages().items() if text not in translated}
    assert not missing, f"{len(missing)} messages lack their Chinese; {HINT}"


def test_nothing_is_translated_that_nobody_says() -> None:
    """What is said by its value alone is marked where it is written: `make messages` drops the rest."""
    assert not written().keys() - our_messages().keys()


def test_nothing_is_doubtful() -> None:
    assert "fuzzy" not in (FOLDER / "django.po").read_text(encoding="utf-8")


def test_the_compiled_file_is_that_of_the_text() -> None:
    assert compiled() == written(), "compile it with `make messages`"


def test_blanks_to_be_filled_are_the_same() -> None:
    """A blank that a translation does not know would raise an error on the page."""
    blank = re.compile(r"%\((\w+)\)")
    for text, translation in written().items():
        assert set(blank.findall(text)) == set(blank.findall(translation)), text


@pytest.mark.parametrize("code", library.codes())
def test_every_label_of_the_shipped_protocols_can_be_translated(code: str) -> None:
    protocol = library.load(code)
    labels_of = ("epochs", "anchors", "visits", "traits", "activities", "windows")
    groups = [getattr(protocol, name) for name in labels_of]
    labels = {rule.label for group in groups for rule in group}
    assert labels <= set(LABELS), "name it in schedules/domain/plan/library_labels.py"


IN_WORDS = frozenset({"title", "note", "notes", "then", "taken", "statements"})


def texts_of(value: object, name: str = "") -> Iterator[str]:
    """Every title, note, reason and statement in a protocol that has no Chinese of its own."""
    if is_dataclass(value):
        for one in fields(value):
            yield from texts_of(getattr(value, one.name), one.name)
    elif isinstance(value, tuple):
        for item in value:
            yield from texts_of(item, name)
    elif value and isinstance(value, str) and name in IN_WORDS and not getattr(value, "zh", ""):
        yield str(value)


@pytest.mark.parametrize("code", library.codes())
def test_every_text_of_the_shipped_protocols_can_be_translated(code: str) -> None:
    """Forecasts, boards and trials showed the reasons and titles of the first editions in English."""
    assert set(texts_of(library.load(code))) <= {*TEXTS, *LABELS}, "name it in library_labels.py"


def test_the_words_of_the_field_are_those_that_the_field_uses() -> None:
    chinese = written()
    words = {
        "participant": "受试者",
        "visit": "访视",
        "Lymphodepletion": "清淋",
        "Infusion": "回输",
        "Follow-up": "随访",
        "Screening": "筛选",
        "Consent": "知情同意",
        "To record": "待登记",
        "Last days": "即将超窗",
        "anchor": "关键日期",
        "Tolerance": "允许偏差",
        "Course": "试验进程",
        "Gate": "下一例启动条件",
        "Cannot be judged": "资料不全",
        "flag": "预警",
        "audit entry": "稽查轨迹记录",
    }
    assert {word: chinese[word] for word in words} == words


MEANINGS = {
    ("gate", "open"): "已满足",
    ("gate", "closed"): "未满足",
    ("account", "open"): "使用中",
    ("messages", "Waiting"): "待发送",
    ("status change", "withdrawn"): "已撤销",
    ("role", "Withdrawn"): "撤销",
    ("deviation", "Withdraw"): "作废",
    ("fact", "Withdraw"): "作废",
    ("accounts", "Nobody matches."): "没有符合条件的账号。",
    ("deputy", "Nobody"): "无",
    ("difference", "Of what"): "项目",
    ("reminder", "Open again"): "移回待处理",
    ("enrolment", "Where"): "研究中心与试验",
    ("checklist", "Answer"): "结果",
    ("audit trail", "Record"): "记录",
    ("audit trail", "action"): "操作",
    ("ethics approval", "Reference"): "伦理批件号",
    ("visit", "Window"): "访视窗",
    ("protocol", "Window"): "时限要求",
}
"""English words that mean several things, each where Chinese has a word of its own: context and message."""


def test_a_word_of_several_meanings_has_the_one_of_its_place() -> None:
    """Gates, accounts and clinic days were all “开放”, the button that ends an absence said “结束时间”."""
    said, chinese = our_messages(), written()
    meant = {f"{context}{CONTEXT_END}{text}": word for (context, text), word in MEANINGS.items()}
    assert {key: chinese.get(key) for key in meant} == meant
    assert meant.keys() <= said.keys()
    assert (chinese["End"], chinese["Record"], chinese["open"], chinese["closed"]) == (
        "结束", "登记", "照常出诊", "停诊",
    )  # fmt: skip


NOT_HOSPITAL_WORDS = (
    "逾期 参与者 基准日 里程碑 准入条件 允差 预处理 缺席 陪护 外宿 摘要值 账户 开立 第二验证 明暗 "
    "关窗 开窗 监察 放弃预约 准备就绪"
)


@pytest.mark.parametrize("word", NOT_HOSPITAL_WORDS.split())
def test_no_word_is_used_that_hospitals_do_not_use(word: str) -> None:
    found = {text: chinese for text, chinese in written().items() if word in chinese}
    assert not found, "see the glossary for the word of the field"


def test_chinese_sentences_have_full_width_punctuation() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,:;?!](?!\d)|[,;?!][\u4e00-\u9fff]")
    assert not {text: chinese for text, chinese in written().items() if half.search(chinese)}


COUNTS = "n|count|number|days|slots|left|given|most|age|oldest"
"""The blanks that hold a count; `first` and `last` are days, `year` belongs to a date."""
UNITS = "天|小时|分钟|秒|个|条|次|名|项|位|例"
DAYS = re.compile(r"第[0-9]+(?:至[0-9]+)?|[0-9]{4}-[0-9-]+|[0-9]+[年月日](?:[0-9]+[月日])*")
"""What is set without spaces: days of the plan, and dates."""
NEXT_TO_CHINESE = (
    rf"%\((?:{COUNTS})\)[ds](?:{UNITS})",
    rf"[\u4e00-\u9fff](?<!第)%\((?:{COUNTS})\)[ds] (?:{UNITS})",
    r"[\u4e00-\u9fff][0-9]|[0-9][\u4e00-\u9fff]",
    r"[\u4e00-\u9fff](?:DLT|EDC|Dayzero)|(?:DLT|EDC|Dayzero)[\u4e00-\u9fff]",
)


def test_counts_and_latin_words_stand_apart_in_chinese() -> None:
    """“近7天” and “近 7 天” stood on one page; dates (12月7日) and 第7天 are set without spaces."""
    found = {
        chinese
        for chinese in written().values()
        if any(re.search(one, DAYS.sub("", chinese)) for one in NEXT_TO_CHINESE)
    }
    assert not found

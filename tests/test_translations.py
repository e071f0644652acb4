"""Everything the portal says is also said in English."""

import re
from collections import Counter

import polib
import pytest
from django.conf import settings
from django.core.management import call_command

from messaging.management.commands.compile_translations import compile_catalogue
from messaging.management.commands.extract_translations import Phrase, _read, merge, phrases

PATH = settings.BASE_DIR / "locale" / "en" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%%|%\([a-z_]+\)[sdgf]|\{[a-z_]*\}|\(\([a-z_]+\)\)")


@pytest.fixture(scope="module")
def catalogue():
    return polib.pofile(str(PATH))


@pytest.fixture(scope="module")
def found():
    return phrases(settings.BASE_DIR)


def test_every_phrase_is_in_english(catalogue, found):
    translated = {(entry.msgid, entry.msgctxt or "") for entry in catalogue.translated_entries()}
    missing = sorted({phrase.text for phrase in found if (phrase.text, phrase.context) not in translated})
    assert missing == [], "run manage.py extract_translations, then write the English in locale/en"


def test_nothing_is_left_over(catalogue, found):
    assert {entry.msgid for entry in catalogue} == {phrase.text for phrase in found}
    assert not [entry.msgid for entry in catalogue if entry.obsolete or entry.fuzzy]


def placeholders(words):
    return Counter(PLACEHOLDER.findall(words))


def test_placeholders_are_the_same(catalogue):
    for entry in catalogue.translated_entries():
        if entry.msgid_plural:
            assert placeholders(entry.msgstr_plural[1]) == placeholders(entry.msgid_plural), entry.msgid
            assert set(placeholders(entry.msgstr_plural[0])) <= set(placeholders(entry.msgid_plural)), entry.msgid
        else:
            assert placeholders(entry.msgstr) == placeholders(entry.msgid), entry.msgid


def test_the_catalogue_is_in_order(catalogue, found):
    assert str(merge(catalogue, found)) == PATH.read_text(encoding="utf-8").rstrip("\n") + "\n"


def test_a_singular_has_one_plural(found):
    plurals = Counter((phrase.text, phrase.context) for phrase in found if phrase.plural)
    assert [text for (text, _), times in plurals.items() if times > 1] == []


def test_italian_is_written_as_it_should(found):
    for phrase in found:
        words = phrase.text + phrase.plural
        assert "'" not in words, f"write ’ in: {words}"
        assert "!" not in words, f"no exclamation marks: {words}"


def test_phrases_are_found_in_code_and_keep_their_plural():
    source = '_("uno")\nngettext("%(n)d riga", "%(n)d righe", n)\npgettext("tono", "basso")\nother("no")\n'
    assert set(_read(source)) == {
        Phrase("uno"),
        Phrase("%(n)d riga", "%(n)d righe"),
        Phrase("basso", context="tono"),
    }


def test_merging_keeps_translations_and_drops_what_is_gone():
    old = polib.POFile()
    old.append(polib.POEntry(msgid="resta", msgstr="stays"))
    old.append(polib.POEntry(msgid="va", msgstr="goes"))
    merged = merge(old, {Phrase("resta"), Phrase("nuovo")})
    assert [(entry.msgid, entry.msgstr) for entry in merged] == [("nuovo", ""), ("resta", "stays")]


def test_compiling_only_what_changed(tmp_path, settings, capsys):
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    po = polib.POFile()
    po.append(polib.POEntry(msgid="ciao", msgstr="hello"))
    po.save(str(folder / "django.po"))
    settings.LOCALE_PATHS = [tmp_path]
    call_command("compile_translations")
    assert "en/LC_MESSAGES/django.po" in capsys.readouterr().out
    assert polib.mofile(str(folder / "django.mo")).find("ciao").msgstr == "hello"
    assert compile_catalogue(folder / "django.po") is False

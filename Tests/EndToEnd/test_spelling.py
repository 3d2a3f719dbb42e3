"""Text is kept as it was sent, also where Unicode has two spellings of it."""

import pytest

from sessions import create, draft, get, list_sessions, update
from watch import UPDATED, history

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"

FIELDS = {
    "name": lambda text: text,
    "workspace": lambda text: "/" + text,
    "capabilities": lambda text: ["batch", text],
    "constraints": lambda text: ["house-rule:" + text],
    "environment": lambda text: {"PLACE": text},
    "metadata": lambda text: {"place": {"names": [text]}},
}


@pytest.mark.parametrize("field", FIELDS)
def test_another_spelling_of_a_text_is_a_change(start_server, field):
    before = start_server()
    session = create(before, **{field: FIELDS[field](COMPOSED)})
    updated = update(before, session.id, **{field: FIELDS[field](DECOMPOSED)})
    (event,) = history(before, after=session.revision)
    assert (event.kind, list(event.changed_fields)) == (UPDATED, [field])
    assert updated.revision == event.sequence
    assert getattr(updated, field) == getattr(draft(**{field: FIELDS[field](DECOMPOSED)}), field)
    assert get(before, session.id) == updated
    assert list(list_sessions(before).sessions) == [updated]
    before.stop()
    assert get(start_server(), session.id) == updated

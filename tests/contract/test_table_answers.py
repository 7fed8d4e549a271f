"""Every request of table_cases is answered as it was when table_oracle.py held the answers against DynamoDB Local."""
import itertools
import json
import sys

from conftest import TOP

sys.path.insert(0, str(TOP / "tests/integration"))

import s3  # noqa: E402
import table_cases  # noqa: E402
import table_oracle  # noqa: E402
import table_players  # noqa: E402


def test_answers_are_those_that_were_compared(tmp_path):
    wanted = [json.loads(line) for line in table_oracle.ANSWERS.read_text().splitlines()]
    with s3.serve(tmp_path) as server:
        player = table_players.Player(server.url, s3.KEY_ID, s3.SECRET)
        for (operation, request), answer in itertools.zip_longest(table_cases.fixed(), wanted):
            assert player.play(operation, request) == answer, (operation, json.dumps(request)[:2000])
